import { Language, Parser, type Tree } from 'web-tree-sitter';
import { InputError } from '../input-error';
import { sha256 } from './sha256';

/** The grammar that ships: tree-sitter-c 0.24.1 as npm publishes it, see grammars/README.md. */
export const GRAMMAR_SHA256 = 'c852c2a85ebf2beb636aa3b0ef7f7e70458684d74f6741b20dcb296885bed9f9';

/** Longest text that is parsed, in UTF-16 units. The engine aborts on inputs of some 64 MB; no kernel file comes near. */
export const MAX_TEXT = 8 * 1024 * 1024;

export interface ParserBinaries {
  /** `web-tree-sitter.wasm` */
  readonly engine: Uint8Array;
  /** `tree-sitter-c.wasm` */
  readonly grammar: Uint8Array;
  /** Of the grammar; the one that ships unless said otherwise. */
  readonly grammarSha256?: string;
}

/** What the engine's module, an object of Emscripten's, offers to the outside once it is loaded. */
interface EngineModule {
  readonly wasmBinary: Uint8Array;
  HEAP32: Int32Array;
  getValue: (at: number, type: string) => number;
  setValue: (at: number, value: number, type: string) => void;
}

/** One for all parsers, as in web-tree-sitter. */
let loading: Promise<void> | undefined;

/**
 * Every question to a node or a cursor passes four or five words to the engine through `getValue` and `setValue`, which
 * cost more than the answer: a word of 32 bits, nearly all that is passed, is read and written directly.
 */
async function loadEngine(wasmBinary: Uint8Array): Promise<void> {
  const engine: Partial<EngineModule> = { wasmBinary };
  await Parser.init(engine);
  const loaded = engine as EngineModule;
  const { getValue, setValue } = loaded;
  // The memory's view is looked up each time: it is another one when the memory has grown.
  loaded.getValue = (at, type) => (type === 'i32' ? (loaded.HEAP32[at >> 2] ?? 0) : getValue(at, type));
  loaded.setValue = (at, value, type) => {
    if (type === 'i32') loaded.HEAP32[at >> 2] = value;
    else setValue(at, value, type);
  };
}

/** tree-sitter with the C grammar. Loading is the only step that waits; parsing is synchronous. */
export class CParser {
  /** What the engine broke down with. */
  private broken: unknown;

  private constructor(
    private readonly parser: Parser,
    readonly language: Language,
  ) {}

  /** @throws InputError if the grammar's bytes are not the ones expected. */
  static async load(binaries: ParserBinaries): Promise<CParser> {
    const expected = binaries.grammarSha256 ?? GRAMMAR_SHA256;
    const actual = sha256(binaries.grammar);
    if (actual !== expected) {
      throw new InputError(`tree-sitter-c.wasm has checksum ${actual}, expected ${expected}: install KVM Lens again`);
    }
    await (loading ??= loadEngine(binaries.engine));
    const language = await Language.load(binaries.grammar);
    const parser = new Parser();
    parser.setLanguage(language);
    return new CParser(parser, language);
  }

  /**
   * The syntax tree of `text`, which the caller deletes in a `finally`; `null` if `cancelled` said so.
   * `text` is at most `MAX_TEXT` long.
   *
   * @throws Error if the engine breaks down, and from then on: its memory is not to be trusted, the process has to
   * begin anew. Masking keeps the texts away that are known to do this.
   */
  parse(text: string, cancelled?: () => boolean): Tree | null {
    if (this.broken !== undefined) throw new Error('the parsing engine broke down before', { cause: this.broken });
    try {
      const tree = this.parser.parse(text, null, cancelled === undefined ? undefined : { progressCallback: cancelled });
      if (tree === null) this.parser.reset();
      return tree;
    } catch (error) {
      this.broken = error;
      throw new Error(`the parsing engine broke down on a text of ${text.length} characters`, { cause: error });
    }
  }
}
