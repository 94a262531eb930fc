import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { scenarioSchema } from '../../extension/core/mmu/scenario-file';

const FILE = join(import.meta.dirname, '../../extension/core/report/schema/scenario.json');

it('the schema of scenario files that ships is the one that files are checked by (UPDATE_GOLDEN=1 writes it)', async () => {
  const text = await format(JSON.stringify(scenarioSchema()), { ...(await resolveConfig(FILE)), filepath: FILE });
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
