import { useState } from 'react'
import { asProblem, type Problem } from '../../api/problem'
import { send } from '../../api/query'
import { queries } from '../../api/query'
import { bandOf, bands } from '../../theme/families'
import { Button, Dialog, Failure, Field, Note, Select, toast } from '../../ui'
import { moveTo, priorityOf, type Rule } from './order'
import { ruleRoutes } from './rules'

type Props = { rules: readonly Rule[]; rule: Rule; mayChange: (r: Rule) => boolean; onClose: () => void; onMoved: (said: string) => void }

/** MoveDialog brings a rule to another place, by its priority. */
export function MoveDialog({ rules, rule, mayChange, onClose, onMoved }: Props) {
  const now = rules.indexOf(rule) + 1
  const [place, setPlace] = useState(now)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Problem | null>(null)
  const others = rules.filter((r) => r !== rule)
  const move = moveTo(rules, rule, place, mayChange)
  const changes = 'changes' in move ? move.changes : []
  const own = changes.find((c) => c.rule === rule)
  const save = async () => {
    setBusy(true)
    setError(null)
    try {
      // The uppermost first: the order is right after each step.
      for (const c of [...changes].reverse()) {
        await send('patch', '/api/v1/rules/{id}', {
          path: { id: c.rule.id ?? '' }, query: c.rule.account_id ? { account_id: c.rule.account_id } : {}, body: { priority: c.priority },
        })
      }
      const said = `${rule.name} is now at position ${place} of ${rules.length}, with priority ${own?.priority ?? priorityOf(rule)}.`
      toast(said)
      onMoved(said)
      onClose()
    } catch (thrown) {
      setError(asProblem(thrown))
    } finally {
      for (const p of ruleRoutes) void queries.invalidateQueries({ queryKey: [p] })
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={`Move “${rule.name}”`} onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={busy} disabled={'problem' in move || changes.length === 0} onClick={() => void save()}>Move</Button></>}
    >
      <Field label="Move to position" hint="Rules are tried from the top; the first that matches decides.">
        {(f) => (
          <Select
            {...f} value={String(place)} onChange={(e) => setPlace(Number(e.target.value))}
            options={rules.map((_, i) => ({
              value: String(i + 1),
              label: i + 1 === now ? `${i + 1} (where it is)` : `${i + 1}${i === 0 ? ', the first' : others[i] ? `, before ${others[i]!.name}` : ', the last'}`,
            }))}
          />
        )}
      </Field>
      <div role="status">
        {'problem' in move
          ? <Note kind="warn">{move.problem}</Note>
          : own && (
            <Note>
              <p>Its priority becomes <strong>{own.priority}</strong>, {bands[bandOf(own.priority)].name.toLowerCase()}; it is {priorityOf(rule)}.</p>
              {changes.length > 1 && <p>To make room, these are raised too: {changes.filter((c) => c !== own).map((c) => `${c.rule.name} from ${priorityOf(c.rule)} to ${c.priority}`).join(', ')}.</p>}
            </Note>
          )}
      </div>
      {error && <Failure error={error} what="Not moved" />}
    </Dialog>
  )
}
