import { describe, expect, it } from 'vitest';
import * as sept from '../../extension/core/mmu/sept';
import { addExternal, removeExternal, type SeamCall } from '../../extension/core/mmu/external-leaf';
import type { MmuState } from '../../extension/core/mmu/mmu-state';
import { NOBODY } from '../../extension/core/mmu/nobody';
import { RULES } from '../../extension/core/mmu/rules';

const GFN = 0x100n;

/** A TD whose entry at `GFN` (level 1) is in a state; blocked entries were blocked in epoch 5 of a TD now in epoch 7. */
function td(state: sept.SeptState, more: Partial<sept.Td> = {}): sept.Td {
  const blocked = state.endsWith('BLOCKED');
  const entry: sept.SeptEntry = blocked ? { state, blockEpoch: 5 } : { state };
  const entries = state === 'FREE' ? [] : [[sept.entryKey(GFN, 1), entry] as const];
  return {
    state: 'RUNNABLE',
    hkidAssigned: true,
    epoch: 7,
    inGuest: new Map(),
    entries: new Map(entries),
    contended: false,
    ...more,
  };
}

const CALLS = {
  'TDH.MEM.SEPT.ADD': (one: sept.Td) => sept.septAdd(one, GFN, 1),
  'TDH.MEM.PAGE.ADD': (one: sept.Td) => sept.pageAdd(one, GFN),
  'TDH.MEM.PAGE.AUG': (one: sept.Td) => sept.pageAug(one, GFN, 1),
  'TDG.MEM.PAGE.ACCEPT': (one: sept.Td) => sept.pageAccept(one, GFN, 1),
  'TDH.MEM.RANGE.BLOCK': (one: sept.Td) => sept.rangeBlock(one, GFN, 1),
  'TDH.MEM.TRACK': (one: sept.Td) => sept.memTrack(one),
  'TDH.MEM.PAGE.REMOVE': (one: sept.Td) => sept.pageRemove(one, GFN, 1),
  'TDH.MEM.RANGE.UNBLOCK': (one: sept.Td) => sept.rangeUnblock(one, GFN, 1),
} as const;
type Call = keyof typeof CALLS;

/** Per call, what becomes of an entry in each state: a new state, or the error. After the TDX module's specification. */
const TABLE: Readonly<Record<Call, Readonly<Record<sept.SeptState, sept.SeptState | sept.TdxError>>>> = {
  'TDH.MEM.SEPT.ADD': incorrectBut({ FREE: 'NL_MAPPED' }),
  // In a runnable TD: its image is closed. What an initialised one does is tested below.
  'TDH.MEM.PAGE.ADD': all('TDX_OP_STATE_INCORRECT'),
  'TDH.MEM.PAGE.AUG': incorrectBut({ FREE: 'PENDING' }),
  'TDG.MEM.PAGE.ACCEPT': {
    ...all('EPT_VIOLATION'),
    PENDING: 'MAPPED',
    MAPPED: 'TDX_PAGE_ALREADY_ACCEPTED',
    NL_MAPPED: 'TDX_PAGE_SIZE_MISMATCH',
  },
  'TDH.MEM.RANGE.BLOCK': {
    FREE: 'TDX_EPT_ENTRY_STATE_INCORRECT',
    MAPPED: 'BLOCKED',
    PENDING: 'PENDING_BLOCKED',
    NL_MAPPED: 'NL_BLOCKED',
    BLOCKED: 'TDX_GPA_RANGE_ALREADY_BLOCKED',
    PENDING_BLOCKED: 'TDX_GPA_RANGE_ALREADY_BLOCKED',
    NL_BLOCKED: 'TDX_GPA_RANGE_ALREADY_BLOCKED',
  },
  'TDH.MEM.TRACK': {
    FREE: 'FREE',
    MAPPED: 'MAPPED',
    PENDING: 'PENDING',
    BLOCKED: 'BLOCKED',
    PENDING_BLOCKED: 'PENDING_BLOCKED',
    NL_MAPPED: 'NL_MAPPED',
    NL_BLOCKED: 'NL_BLOCKED',
  },
  'TDH.MEM.PAGE.REMOVE': { ...all('TDX_GPA_RANGE_NOT_BLOCKED'), BLOCKED: 'FREE', PENDING_BLOCKED: 'FREE' },
  'TDH.MEM.RANGE.UNBLOCK': {
    ...all('TDX_GPA_RANGE_NOT_BLOCKED'),
    BLOCKED: 'MAPPED',
    PENDING_BLOCKED: 'PENDING',
    NL_BLOCKED: 'NL_MAPPED',
  },
};

function all(error: sept.TdxError): Record<sept.SeptState, sept.SeptState | sept.TdxError> {
  return {
    FREE: error,
    MAPPED: error,
    PENDING: error,
    BLOCKED: error,
    PENDING_BLOCKED: error,
    NL_MAPPED: error,
    NL_BLOCKED: error,
  };
}

function incorrectBut(
  allowed: Partial<Record<sept.SeptState, sept.SeptState>>,
): Record<sept.SeptState, sept.SeptState | sept.TdxError> {
  return { ...all('TDX_EPT_ENTRY_STATE_INCORRECT'), ...allowed };
}

function result(call: Call, one: sept.Td): sept.SeptState | sept.TdxError {
  const done = CALLS[call](one);
  return done.ok ? sept.septEntry(done.td, GFN, 1).state : done.error;
}

const CALL_NAMES = Object.keys(CALLS) as Call[];

describe('S-EPT transitions', () => {
  for (const call of CALL_NAMES)
    for (const state of sept.SEPT_STATES)
      it(`${call} on ${state}: ${TABLE[call][state]}`, () => {
        expect(result(call, td(state))).toBe(TABLE[call][state]);
      });

  for (const state of sept.SEPT_STATES)
    it(`TDH.MEM.PAGE.ADD on ${state} of an initialised TD`, () => {
      expect(result('TDH.MEM.PAGE.ADD', td(state, { state: 'INITIALIZED' }))).toBe(
        state === 'FREE' ? 'MAPPED' : 'TDX_EPT_ENTRY_STATE_INCORRECT',
      );
    });

  it('refuses every call of the host before the TD is initialised', () => {
    for (const call of CALL_NAMES.filter((name) => name.startsWith('TDH')))
      for (const state of sept.SEPT_STATES)
        expect(result(call, td(state, { state: 'UNINITIALIZED' }))).toBe('TDX_OP_STATE_INCORRECT');
  });

  it('leaves the TD as it was when it refuses, and its other entries alone when it does not', () => {
    const other = sept.entryKey(0x200n, 1);
    for (const call of CALL_NAMES)
      for (const state of sept.SEPT_STATES) {
        const before = td(state);
        const shared = { ...before, entries: new Map([...before.entries, [other, { state: 'MAPPED' as const }]]) };
        const copy = structuredClone(shared);
        const done = CALLS[call](shared);
        expect(shared).toEqual(copy);
        if (done.ok) expect(done.td.entries.get(other)).toEqual({ state: 'MAPPED' });
      }
  });
});

describe('TLB tracking', () => {
  it('blocks in the current epoch, and removes only after the epoch has passed', () => {
    const blocked = sept.rangeBlock(td('MAPPED'), GFN, 1);
    expect(blocked).toMatchObject({ ok: true });
    if (!blocked.ok) return;
    expect(sept.septEntry(blocked.td, GFN, 1)).toEqual({ state: 'BLOCKED', blockEpoch: 7 });
    expect(sept.pageRemove(blocked.td, GFN, 1)).toEqual({ ok: false, error: 'TDX_TLB_TRACKING_NOT_DONE' });
    const tracked = sept.memTrack(blocked.td);
    expect(tracked.ok && sept.pageRemove(tracked.td, GFN, 1).ok).toBe(true);
  });

  it('waits for a vCPU that still runs in the epoch of the block', () => {
    const running = sept.enterGuest(td('MAPPED'), 0);
    const blocked = sept.rangeBlock(running, GFN, 1);
    const tracked = blocked.ok ? sept.memTrack(blocked.td) : blocked;
    if (!tracked.ok) throw new Error(tracked.error);
    expect(sept.pageRemove(tracked.td, GFN, 1)).toEqual({ ok: false, error: 'TDX_TLB_TRACKING_NOT_DONE' });
    expect(sept.memTrack(tracked.td)).toEqual({ ok: false, error: 'TDX_PREVIOUS_TLB_EPOCH_BUSY' });
    const kicked = sept.kickAll(tracked.td);
    expect(sept.pageRemove(kicked, GFN, 1).ok).toBe(true);
    expect(sept.memTrack(kicked).ok).toBe(true);
  });

  it('lets a vCPU that entered after the track run on', () => {
    const blocked = sept.rangeBlock(td('MAPPED'), GFN, 1);
    const tracked = blocked.ok ? sept.memTrack(blocked.td) : blocked;
    if (!tracked.ok) throw new Error(tracked.error);
    expect(sept.pageRemove(sept.enterGuest(tracked.td, 0), GFN, 1).ok).toBe(true);
  });

  it('is not needed before the TD may run', () => {
    const blocked = sept.rangeBlock(td('MAPPED', { state: 'INITIALIZED' }), GFN, 1);
    expect(blocked.ok && sept.pageRemove(blocked.td, GFN, 1).ok).toBe(true);
  });
});

function withTd(one: sept.Td): MmuState {
  return { ...NOBODY, td: one };
}

function remove(one: sept.Td, level = 1): { td: sept.Td; calls: readonly SeamCall[]; refused?: string } {
  const { state, calls, refused } = removeExternal(RULES, withTd(one), GFN, level);
  if (state.td === undefined) throw new Error('no TD left');
  return { td: state.td, calls, ...(refused === undefined ? {} : { refused }) };
}

describe('the removal of a private leaf, where the tree does not show it', () => {
  it('blocks, tracks, removes and flushes the cache, and kicks the vCPUs out', () => {
    const running = sept.enterGuest(sept.enterGuest(td('MAPPED'), 0), 1);
    const done = remove(running);
    expect(done.calls.map((call) => call.name)).toEqual([
      'TDH.MEM.RANGE.BLOCK',
      'TDH.MEM.TRACK',
      'TDH.MEM.PAGE.REMOVE',
      'TDH.PHYMEM.PAGE.WBINVD',
    ]);
    expect(done.refused).toBeUndefined();
    expect(sept.septEntry(done.td, GFN, 1).state).toBe('FREE');
    expect(done.td.inGuest.size).toBe(0);
  });

  it('kicks the vCPUs out and tries again where a TDCALL holds the S-EPT', () => {
    const held = { ...sept.enterGuest(td('MAPPED'), 0), contended: true };
    expect(sept.TDX_MODULE.rangeBlock(held, GFN, 1)).toEqual({ ok: false, error: 'TDX_OPERAND_BUSY' });
    const done = remove(held);
    expect(done.refused).toBeUndefined();
    expect(done.td).toMatchObject({ contended: false, inGuest: new Map() });
  });

  it('does not try again where an epoch is still in use: the kick after each TRACK keeps that from happening', () => {
    const stale = td('MAPPED', { inGuest: new Map([[0, 6]]) });
    expect(remove(stale)).toMatchObject({
      refused: 'TDX_PREVIOUS_TLB_EPOCH_BUSY',
      td: { refused: 'TDH.MEM.TRACK of gfn 0x100: TDX_PREVIOUS_TLB_EPOCH_BUSY' },
    });
  });

  it('does not track before the TD may run', () => {
    const done = remove(td('MAPPED', { state: 'INITIALIZED' }));
    expect(done.calls.map((call) => call.name)).not.toContain('TDH.MEM.TRACK');
    expect(sept.septEntry(done.td, GFN, 1).state).toBe('FREE');
  });

  it.each([
    ['a blocked page', td('BLOCKED'), 1, 'TDX_GPA_RANGE_ALREADY_BLOCKED'],
    ['a page that is not there', td('FREE'), 1, 'TDX_EPT_ENTRY_STATE_INCORRECT'],
    ['a 2M page', td('MAPPED'), 2, 'the page is larger than 4K'],
    ['a TD without HKID', td('MAPPED', { hkidAssigned: false }), 1, 'the TD has no HKID'],
  ])('is refused for %s', (_, one, level, why) => {
    const done = remove(one, level);
    expect(done.refused).toBe(why);
    expect(done.td.entries).toEqual(one.entries);
  });
});

describe('a new private leaf, where the tree does not show it', () => {
  it.each([
    ['INITIALIZED', 'TDH.MEM.PAGE.ADD', 'MAPPED'],
    ['RUNNABLE', 'TDH.MEM.PAGE.AUG', 'PENDING'],
  ] as const)('of a TD that is %s comes by %s', (state, call, entry) => {
    const added = addExternal(RULES, withTd(td('FREE', { state })), GFN, 1);
    expect(added.calls).toEqual([call]);
    expect(added.again).toBe(false);
    expect(added.state.td?.entries.get(sept.entryKey(GFN, 1))?.state).toBe(entry);
  });

  it('waits where a TDCALL holds the S-EPT, and nobody is to blame', () => {
    const held = { ...sept.enterGuest(td('FREE'), 0), contended: true };
    const added = addExternal(RULES, withTd(held), GFN, 1);
    expect(added.again).toBe(true);
    expect(added.state.td).toEqual(held);
  });
});

describe('a guest’s access', () => {
  it.each(sept.SEPT_STATES)('to a page whose entry is %s', (state) => {
    const expected = state === 'MAPPED' ? 'page' : state === 'PENDING' ? 'pending' : 'violation';
    expect(sept.guestTouch(td(state), GFN, 1)).toBe(expected);
  });
});
