import { describe, expect, it } from 'vitest'
import { marksOf } from './marks'
import { footOf, place } from './place'
import { keyOfRule, linesOf, matches, rungsOf, type Graph, type GraphNode } from './rungs'
import { pastRules, shareOf, sharesOf } from './share'
import { elsewhere, litBy, outcomeWords, stepWords, type Trace } from './trace'

const box = (n: Partial<GraphNode> & { id: string; kind: GraphNode['kind'] }): GraphNode => ({ x: 24, y: 0, w: 480, h: 67, label: n.id, ...n })
const rule = (i: number, id: string, more: Partial<GraphNode> = {}) => box({ id: `rule-${i}`, kind: 'rule', y: 60 + i * 100, rule: id, name: id, priority: 90, band: 'high', state: 'active', order: i, clauses: ['a', 'b'], join: 'or', ...more })
const model = (of: string, i: number, id: string, family: string, y: number) => box({ id: `${of}-model-${i}`, kind: i === 0 ? 'target' : 'fallback', x: i === 0 ? 576 : 878, y, w: 230, h: 42, model: id, family })

const graph: Graph = {
  width: 1132, height: 551,
  nodes: [
    box({ id: 'request', kind: 'request', y: 24, w: 150, h: 36 }),
    rule(1, 'first', { band: 'critical', priority: 100 }), model('rule-1', 0, 'gpt-4o', 'GPT', 170), model('rule-1', 1, 'claude', 'Claude', 170),
    rule(2, 'off', { state: 'disabled', order: 0 }), model('rule-2', 0, 'gpt-4o', 'GPT', 270),
    rule(3, 'second', { account_id: 'acme' }), model('rule-3', 0, 'llama', 'Llama', 370),
    box({ id: 'default', kind: 'default', y: 460 }), model('default', 0, 'gpt-5', 'GPT', 472),
  ],
  edges: [
    { from: 'request', to: 'rule-1', kind: 'next', points: [{ x: 99, y: 60 }, { x: 99, y: 160 }] },
    { from: 'rule-1', to: 'rule-1-model-0', kind: 'match', points: [{ x: 504, y: 191 }, { x: 576, y: 191 }] },
    { from: 'rule-1', to: 'rule-3', kind: 'next', points: [{ x: 99, y: 227 }, { x: 99, y: 360 }] },
    { from: 'rule-3', to: 'rule-3-model-0', kind: 'match', points: [{ x: 504, y: 391 }, { x: 576, y: 391 }] },
    { from: 'rule-3', to: 'default', kind: 'next', points: [{ x: 99, y: 427 }, { x: 99, y: 460 }] },
  ],
  legend: { bands: ['critical', 'high'], families: ['GPT', 'Claude', 'Llama'] },
}
const rungs = rungsOf(graph)

describe('rungs', () => {
  it('are the rules with their models, the default handler last', () => {
    expect(rungs.map((r) => [r.key, r.models.map((m) => m.model).join(), r.tried])).toEqual([
      ['/first', 'gpt-4o,claude', true], ['/off', 'gpt-4o', false], ['acme/second', 'llama', true], ['default', 'gpt-5', true],
    ])
    expect(linesOf(rungs[0]!.node)).toEqual([{ join: '', text: 'a' }, { join: 'or', text: 'b' }])
  })
  it.each([
    ['everything', { band: '', family: '' }, ['/first', '/off', 'acme/second', 'default']],
    ['a band', { band: 'critical', family: '' }, ['/first']],
    ['a family, fallbacks too', { band: '', family: 'claude' }, ['/first']],
    ['a family that is not known', { band: '', family: 'llama' }, ['acme/second']],
    ['both', { band: 'high', family: 'gpt' }, ['/off']],
  ])('a filter for %s', (_, filter, want) => {
    expect(rungs.filter((r) => matches(r, filter)).map((r) => r.key)).toEqual(want)
  })
})

describe('shares', () => {
  const row = (name: string, requests: number) => ({ group: { rule: name }, requests })
  const shares = sharesOf({ total: { requests: 20 }, data: [row('first', 5), row('default', 3), row('pinned', 8), row('assignment', 2)] } as never)
  it('are of all requests', () => {
    expect(rungs.map((r) => shareOf(r, shares)?.share)).toEqual([0.25, 0, 0, 0.15])
    expect(pastRules(shares)).toBe(0.5)
  })
  it('are not known, and not 0, without requests', () => {
    expect(shareOf(rungs[0]!, sharesOf({ total: { requests: 0 }, data: [] } as never))).toBeNull()
    expect(shareOf(rungs[0]!, null)).toBeNull()
    expect(pastRules(null)).toBeNull()
  })
})

describe('a decision', () => {
  const trace: Trace = {
    rule: 'second',
    rules: [
      { id: 'first', priority: 100, outcome: 'no_match', clause: 'a  or\nb' }, { id: 'off', priority: 90, outcome: 'disabled' },
      { id: 'second', account_id: 'acme', priority: 90, outcome: 'matched', clause: 'b' },
    ],
    candidates: [{ model: 'llama' }],
  }
  it('lights the path through the rules that were tried', () => {
    const lit = litBy(trace, rungs)
    expect(lit.decided).toBe(keyOfRule('acme', 'second'))
    expect([...lit.edges]).toEqual(['request>rule-1', 'rule-1>rule-3', 'rule-3>rule-3-model-0'])
    expect(lit.nodes.has('rule-2')).toBe(false)
    expect(lit.model).toBe('llama')
  })
  it('lights the fallback when the target is passed over', () => {
    const lit = litBy({ rule: 'first', rules: [{ id: 'first', priority: 100, outcome: 'matched' }], candidates: [{ model: 'gpt-4o', skip: { reason: 'down', detail: 'assumed' } }, { model: 'claude' }] }, rungs)
    expect([...lit.edges]).toEqual(['request>rule-1', 'rule-1>rule-1-model-0', 'rule-1-model-0>rule-1-model-1'])
    expect([...lit.skips.values()]).toEqual(['is down: assumed'])
  })
  it('says where a plugin leads, when that is none of the rule’s models', () => {
    const lit = litBy({ ...trace, candidates: [{ model: 'gpt-4o' }, { model: 'llama' }] }, rungs)
    expect([elsewhere(rungs[2]!, lit), elsewhere(rungs[0]!, lit), elsewhere(rungs[2]!, litBy(trace, rungs))]).toEqual(['gpt-4o', '', ''])
  })
  it('lights nothing when no rule was asked', () => {
    const lit = litBy({ rule: 'pinned', rules: [{ id: 'first', priority: 100, outcome: 'not_asked' }], candidates: [{ model: 'gpt-4o' }] }, rungs)
    expect([lit.decided, lit.edges.size]).toEqual(['', 0])
  })
  it('tells in words what became of each rule', () => {
    expect(trace.rules?.map(outcomeWords)).toEqual(['Did not match: a or b does not hold.', 'Switched off.', 'Matched: b'])
    expect(stepWords(rungs[0]!, trace.rules![0]!)).toBe('Did not match: none of its clauses holds.')
    expect(outcomeWords({ id: 'x', priority: 1, outcome: 'new_word', detail: 'odd.' })).toBe('new word: odd.')
  })
})

describe('places', () => {
  it('no box lies on another, and lines end at boxes, however much rules say', () => {
    const marks = marksOf(rungs, [{ kind: 'unreachable', rule: 'second', message: 'x'.repeat(200) }], new Map([['/first', 'It fails.']]), new Map())
    expect([...marks.keys()]).toEqual(['/first', '/off', 'acme/second'])
    const p = place(graph, rungs, (r) => footOf(r, marks.get(r.key), null))
    for (const [i, a] of p.boxes.entries()) {
      for (const b of p.boxes.slice(i + 1)) {
        if (a.node.kind === 'default' && b.rung === a.rung) continue
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h, `${a.node.id} overlaps ${b.node.id}`).toBe(false)
      }
      expect(a.y + a.h, `${a.node.id} is within the ladder`).toBeLessThanOrEqual(p.height)
    }
    const of = (id: string) => p.boxes.find((b) => b.node.id === id)!
    for (const l of p.lines) {
      if (l.kind !== 'next') continue
      expect(l.points[0]!.y, `${l.id} begins`).toBe(of(l.from).y + of(l.from).h)
      expect(l.points.at(-1)!.y, `${l.id} ends`).toBe(of(l.to).y)
      expect(l.points.at(-1)!.y, `${l.id} leads down`).toBeGreaterThan(l.points[0]!.y)
    }
  })
})
