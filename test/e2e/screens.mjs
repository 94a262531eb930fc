// The packaged extension, installed, as a user sees it: what is asserted is the text on the screen, read from the very
// region that is photographed, so that a picture cannot show something else than what was tested.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { startBrowser, startServer } from './workbench.mjs';

const PATIENCE = 60_000;
const MTRR = 'mtrr.c';
const CUT = 'static void kvm_noncoherent_dma_assignment_start_or_stop';

/** Runs all screens; `[{ title, state, error? }]`. Pictures go to `shots`. */
export async function runScreens({ codeServer, chromium, vsix, workspace, scratch, shots }) {
  mkdirSync(shots, { recursive: true });
  const folders = { userData: scratch.folder('user'), extensions: scratch.folder('extensions') };
  const install = [
    '--install-extension',
    vsix,
    '--extensions-dir',
    folders.extensions,
    '--user-data-dir',
    folders.userData,
  ];
  const config = join(scratch.folder('config'), 'none.yaml');
  execFileSync(codeServer.node, [codeServer.entry, '--config', config, ...install], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const server = await startServer(codeServer, folders);
  let browser;
  try {
    browser = await startBrowser(chromium);
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    page.setDefaultTimeout(PATIENCE);
    const url = new URL(`http://localhost:${server.port}/`);
    url.searchParams.set('folder', workspace);
    await page.goto(url.href, { waitUntil: 'domcontentloaded' });
    return await runEach(new Workbench(page, shots, workspace));
  } finally {
    await browser?.close();
    await server.stop();
  }
}

async function runEach(workbench) {
  const results = [];
  for (const [title, screen] of Object.entries(SCREENS)) {
    const name = `screens: ${title}`;
    try {
      await screen(workbench);
      results.push({ title: name, state: 'passed' });
    } catch (error) {
      await workbench.shoot(`failed-${results.length}`).catch(() => undefined);
      results.push({ title: name, state: 'failed', error: error instanceof Error ? error.stack : String(error) });
    }
  }
  return results;
}

const SCREENS = {
  async 'code lens, squiggle and status item on a reachable caller'(workbench) {
    await workbench.openFile(MTRR);
    const editor = workbench.editor();
    await workbench.reads(editor.locator('.codelens-decoration'), /TDX: reachable from \d+ entry points?/);
    await editor.locator('.squiggly-warning').first().waitFor();
    await workbench.reads(workbench.status(), /KVM TDX: \d+ of \d+ callers open/);
    await workbench.dismissNotifications();
    const { text } = await workbench.shoot('lens', editor);
    assert.match(text, /TDX: reachable from \d+ entry points?/);
    assert.match(text, /static void update_mtrr/);
    await workbench.shoot('window');
    await workbench.shoot('lens-editor', workbench.part('editor'));
  },

  async 'hover on a call that is marked'(workbench) {
    await workbench.hoverOver('kvm_zap_gfn_range');
    await workbench.reads(workbench.hover(), /TDX: reachable, call of kvm_zap_gfn_range\(\) in update_mtrr\(\)/);
    const { text } = await workbench.shoot('hover-marked', workbench.hover());
    assert.match(text, /TDX: kvm_zap_gfn_range\(\) is reachable/);
    assert.match(text, /KVM_SET_MSRS: kvm_vcpu_ioctl\(\) calls kvm_arch_vcpu_ioctl\(\)/);
  },

  async 'hover on a caller that is reachable'(workbench) {
    await workbench.hoverOver('update_mtrr');
    await workbench.reads(workbench.hover(), /TDX: reachable from \d+ entry points?, update_mtrr\(\)/);
    const { text } = await workbench.shoot('hover-reachable', workbench.hover());
    assert.match(text, /KVM_SET_MSRS -> kvm_vcpu_ioctl\(\) -> /);
    assert.match(text, /outcome: /);
    await workbench.shoot('hover-reachable-editor', workbench.part('editor'));
  },

  async 'hover on a caller that is cut'(workbench) {
    await workbench.openFile('x86.c');
    const source = readFileSync(join(workbench.workspace, 'arch/x86/kvm/x86.c'), 'utf8');
    await workbench.goToLine(source.slice(0, source.indexOf(CUT)).split('\n').length);
    await workbench.hoverOver('kvm_noncoherent_dma_assignment_start_or_stop');
    await workbench.reads(
      workbench.hover(),
      /TDX: blocked by kvm_check_has_quirk\(\) · x86\.c:\d+, kvm_noncoherent_dma_assignment_start_or_stop\(\)/,
    );
    const { text } = await workbench.shoot('hover-blocked', workbench.hover());
    assert.match(text, /cut by kvm_check_has_quirk\(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT\) x86\.c:\d+: false/);
    assert.match(text, /tdx_vm_init\(\)/);
    await workbench.shoot('hover-blocked-editor', workbench.part('editor'));
  },

  async 'a click on a lens lists the path'(workbench) {
    await workbench.openFile(MTRR);
    await workbench.editor().locator('.codelens-decoration a', { hasText: 'TDX: reachable' }).first().click();
    const list = workbench.page.locator('.quick-input-widget');
    await workbench.reads(list, /kvm_vcpu_ioctl\(\) calls kvm_arch_vcpu_ioctl\(\)/);
    const { text } = await workbench.shoot('path', list);
    assert.match(text, /update_mtrr\(\) · TDX: reachable from \d+ entry points?/);
    await workbench.page.keyboard.press('Escape');
  },

  async 'problems panel'(workbench) {
    await workbench.command('Problems: Focus on Problems View');
    const panel = workbench.part('panel');
    await panel.locator('.viewpane-filter input').fill('mtrr.c');
    await workbench.reads(panel, /TDX: kvm_zap_gfn_range\(\) is reachable/);
    const { text } = await workbench.shoot('problems', panel);
    assert.match(text, /kvm-lens\s+reachable/);
  },
};

/** The parts of the workbench's window that the screens look at. */
class Workbench {
  constructor(page, shots, workspace) {
    this.page = page;
    this.shots = shots;
    this.workspace = workspace;
  }

  editor() {
    return this.page.locator('.editor-group-container.active .editor-instance').first();
  }

  part(name) {
    return this.page.locator(`.part.${name}`);
  }

  hover() {
    return this.page.locator('.monaco-hover:visible').filter({ hasText: 'TDX' }).first();
  }

  status() {
    return this.page.locator('.statusbar-item', { hasText: 'KVM TDX' });
  }

  /** Waits until the text on the screen is as expected; what stands there instead is in the error. */
  async reads(locator, pattern) {
    const limit = Date.now() + PATIENCE;
    let text = '';
    while (Date.now() < limit) {
      text = (await locator.allInnerTexts()).map(plain).join('\n');
      if (pattern.test(text)) return text;
      await this.page.waitForTimeout(200);
    }
    throw new Error(`no ${String(pattern)} on the screen, but '${text}'`);
  }

  /**
   * A picture of a region, and the text that stood in it while it was taken: parts that come late (the offer of quick
   * fixes, say) are waited for.
   */
  async shoot(name, region = this.page.locator('body')) {
    const path = join(this.shots, `${name}.png`);
    for (let attempt = 0; attempt < 20; attempt++) {
      const before = await region.evaluate(visibleText);
      await this.page.waitForTimeout(300);
      await region.screenshot({ path, animations: 'disabled' });
      const text = await region.evaluate(visibleText);
      if (text === before) return { path, text: plain(text) };
    }
    throw new Error(`${name}: the region does not come to rest`);
  }

  async openFile(name) {
    await this.page.locator('.monaco-workbench').waitFor();
    await this.page.keyboard.press('Control+P');
    await this.page.locator('.quick-input-widget input').fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.locator('.tab.active', { hasText: name }).waitFor();
  }

  /** A busy workbench may take Enter before it has read the number: the status bar says where the cursor is. */
  async goToLine(line) {
    const cursor = this.page.locator('.statusbar-item', { hasText: `Ln ${line},` });
    for (let tries = 0; tries < 5 && !(await cursor.isVisible()); tries++) {
      await this.page.keyboard.press('Control+G');
      await this.page.locator('.quick-input-widget input').fill(`:${line}`);
      await this.page.keyboard.press('Enter');
      await cursor.waitFor({ timeout: 5000 }).catch(() => undefined);
    }
    await cursor.waitFor();
  }

  async command(title) {
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').fill(`>${title}`);
    await this.page
      .locator('.quick-input-list .monaco-list-row', { hasText: title.split(': ').at(-1) })
      .first()
      .waitFor();
    await this.page.keyboard.press('Enter');
  }

  async dismissNotifications() {
    await this.page.waitForTimeout(500);
    for (const button of await this.page.locator('.notification-toast .codicon-notifications-clear').all())
      await button.click();
  }

  /** Moves the mouse onto a word in the editor, once nothing moves it any more: lenses come late and push lines down. */
  async hoverOver(word) {
    // An open hover would stay, and may cover the word.
    await this.page.keyboard.press('Escape');
    await this.hover().waitFor({ state: 'hidden' });
    let box = await this.boxOf(word);
    for (let still = 0; still < 3;) {
      await this.page.waitForTimeout(200);
      const now = await this.boxOf(word);
      still = now.x === box.x && now.y === box.y ? still + 1 : 0;
      box = now;
    }
    await this.page.mouse.move(box.x + box.width + 300, box.y + 60);
    await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
    await this.hover().waitFor();
  }

  /** Where the topmost place of a word is on the screen: the editor splits a line into spans as it colours it. */
  async boxOf(word) {
    const handle = await this.page.waitForFunction((wanted) => {
      const boxes = [];
      for (const line of document.querySelectorAll('.editor-group-container.active .view-line')) {
        const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const at = node.data.indexOf(wanted);
          if (at < 0) continue;
          const range = document.createRange();
          range.setStart(node, at);
          range.setEnd(node, at + wanted.length);
          const { x, y, width, height } = range.getBoundingClientRect();
          if (width > 0) boxes.push({ x, y, width, height });
        }
      }
      return boxes.sort((a, b) => a.y - b.y)[0] ?? null;
    }, word);
    return handle.jsonValue();
  }
}

/** Runs in the page: the text of a region as a picture shows it, without what is scrolled away or covered. */
function visibleText(region) {
  const frame = region.getBoundingClientRect();
  const isShown = (element, { left, right, top, bottom }) => {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    if (x < frame.left || x > frame.right || y < frame.top || y > frame.bottom) return false;
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (element.contains(hit) || hit.contains(element));
  };
  const words = [];
  const walker = document.createTreeWalker(region, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of node.data.matchAll(/\S+\s*/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const box = range.getClientRects()[0];
      if (box === undefined || box.width === 0 || !isShown(node.parentElement, box)) continue;
      words.push({ middle: (box.top + box.bottom) / 2, left: box.left, right: box.right, text: word[0] });
    }
  }
  // Fonts differ within a line: what stands less than half a line lower is on it.
  const lines = [];
  for (const word of words.sort((a, b) => a.middle - b.middle)) {
    const line = lines.at(-1);
    if (line !== undefined && word.middle - line[0].middle < 8) line.push(word);
    else lines.push([word]);
  }
  // Words that do not touch are apart on the screen.
  const read = (line) =>
    line
      .sort((a, b) => a.left - b.left)
      .map(({ text, left }, i) => (i > 0 && left - line[i - 1].right > 3 ? ` ${text}` : text))
      .join('');
  return lines.map(read).join('\n');
}

/** Text as it reads: the editor shows blanks as no-break spaces. */
function plain(text) {
  return text.replace(/\u00a0|\u200b/g, ' ').replace(/[ \t]+/g, ' ');
}
