import { useEffect, useMemo, useState } from 'react'
import { useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Confirm, Drawer, Empty, Failure, Loading, Note, Tabs, toast, toastFailure } from '../../ui'
import { useCheck } from './check'
import { draftOf, emptyDraft, isChanged, type Draft } from './draft'
import type { Rule } from './order'
import { RuleForm } from './RuleForm'
import { RuleHistory } from './RuleHistory'
import { RuleView } from './RuleView'
import { keyOf, ruleRoutes, useMayChange } from './rules'
import { Samples } from './Samples'
import { StartRollout } from './StartRollout'

type Props = {
  /** The ladder's key of a rule, or "new". */
  of: string
  rules: readonly Rule[]
  /** Whose rules are new ones. */
  home: string
  /** As the API's account_id. */
  account: string
  loading: boolean
  onClose: () => void
  onOpen: (key: string) => void
}

/** RuleDrawer shows one rule, and lets whoever may change it. */
export function RuleDrawer(p: Props) {
  const rule = p.rules.find((r) => keyOf(r) === p.of)
  if (p.of === 'new') return <Edit key="new" {...p} stored={null} start={emptyDraft(p.home)} />
  if (!rule) return <Drawer title="Rule" onClose={p.onClose}>{p.loading ? <Loading what="The rule" rows={6} /> : <Empty title="There is no such rule here.">It may have been deleted, or belong to another account.</Empty>}</Drawer>
  return <Opened key={p.of} {...p} rule={rule} />
}

function Opened({ rule, ...p }: Props & { rule: Rule }) {
  const mayChange = useMayChange()
  const can = useCan()
  const [copy, setCopy] = useState<Draft | null>(null)
  if (mayChange(rule)) return <Edit {...p} stored={rule} start={draftOf(rule)} />
  if (copy) return <Edit {...p} stored={null} start={copy} />
  const mayShadow = can('POST', '/api/v1/rules') && !rule.account_id && p.home !== ''
  return (
    <Drawer wide title={rule.name} onClose={p.onClose} actions={mayShadow && <Button icon="copy" onClick={() => setCopy({ ...draftOf(rule), account: p.home })}>Make it this account’s own</Button>}>
      {mayShadow && <Note>This rule is global. A rule of this account with the same id takes its place; switched off, it hides it.</Note>}
      <RuleView rule={rule} />
    </Drawer>
  )
}

function Edit({ stored, start, rules, account, onClose, onOpen }: Props & { stored: Rule | null; start: Draft }) {
  const can = useCan()
  // What was stored when editing began: a change by somebody else must not sweep the draft away.
  const [base, setBase] = useState({ rule: stored, draft: start })
  const [draft, setDraft] = useState(start)
  const [tab, setTab] = useState('rule')
  const [strict, setStrict] = useState(false)
  const [asking, setAsking] = useState<'delete' | 'leave' | 'rollout' | null>(null)
  const changed = isChanged(draft, base.draft)
  const checked = useCheck(draft, can('POST', '/api/v1/rules/check'))
  const stale = stored !== null && base.rule !== null && stored.updated_at !== base.rule.updated_at
  useEffect(() => {
    if (stale && !changed) {
      setBase({ rule: stored, draft: start })
      setDraft(start)
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [stale, changed])

  const create = useSend('post', '/api/v1/rules', ruleRoutes)
  const replace = useSend('put', '/api/v1/rules/{id}', ruleRoutes)
  const remove = useSend('delete', '/api/v1/rules/{id}', ruleRoutes)
  const where = stored ? { path: { id: stored.id ?? '' }, query: stored.account_id ? { account_id: stored.account_id } : {} } : null
  const busy = create.isPending || replace.isPending
  const failure = create.error ?? replace.error
  const saved = (r: Rule | undefined, word: string) => {
    if (!r) return
    toast(`${word} “${r.name}”. It is in force.`)
    const next = { ...r, ...(draft.account ? { account_id: draft.account } : {}) }
    setBase({ rule: r, draft: draftOf(next) })
    setDraft(draftOf(next))
    if (!stored) onOpen(keyOf(next))
  }
  const save = () => {
    setStrict(true)
    if (!checked.body) {
      setTab('rule')
      return
    }
    if (where) replace.mutate({ ...where, body: { ...checked.body, ...(base.rule?.updated_at ? { updated_at: base.rule.updated_at } : {}) } as never }, { onSuccess: (r) => saved(r as Rule, 'Saved') })
    else create.mutate({ body: checked.body as never }, { onSuccess: (r) => saved(r as Rule, 'Created') })
  }
  const close = () => (changed ? setAsking('leave') : onClose())
  const own = useMemo(() => checked.warnings.filter((w) => !w.rule || w.rule === (checked.body?.id ?? '')), [checked.warnings, checked.body])
  const elsewhere = checked.warnings.length - own.length
  return (
    <Drawer
      wide title={stored ? `Edit “${stored.name}”` : draft.id ? `New rule “${draft.name}”` : 'New rule'} onClose={close}
      actions={<>
        {stored && !stored.system && can('DELETE', '/api/v1/rules/{id}') && <Button kind="danger" icon="trash" onClick={() => setAsking('delete')}>Delete</Button>}
        {can('POST', '/api/v1/rollouts') && <Button disabled={!checked.body || (!changed && stored !== null)} onClick={() => setAsking('rollout')}>Try on live traffic …</Button>}
        <Button onClick={close}>Close</Button>
        <Button kind="primary" busy={busy} disabled={stored !== null && !changed} onClick={save}>{stored ? 'Save' : 'Create rule'}</Button>
      </>}
    >
      {stale && changed && <Note kind="warn">Somebody else has changed this rule meanwhile. Saving will be refused. <Button small onClick={() => { setBase({ rule: stored, draft: start }); setDraft(start) }}>Take theirs</Button></Note>}
      {stored?.system && <Note>This is a system rule: it can be changed and switched off, not deleted.</Note>}
      {failure && <Failure error={failure} what={stored ? 'Not saved' : 'Not created'} />}
      <Tabs
        label="Rule" at={tab} onChange={setTab}
        tabs={[
          {
            id: 'rule', title: 'Rule', panel: (
              <>
                <RuleForm draft={draft} onChange={setDraft} checked={checked} isNew={!stored} strict={strict} />
                <div role="status" className="stack">
                  {checked.wrong.get('') && <Note kind="warn">{checked.wrong.get('')}</Note>}
                  {own.map((w, i) => <Note key={i} kind="warn">{w.message}</Note>)}
                  {elsewhere > 0 && <p className="soft">{elsewhere} {elsewhere === 1 ? 'warning is' : 'warnings are'} about other rules: the ladder shows them.</p>}
                  {checked.checking ? <p className="soft">Checking …</p> : checked.body && checked.wrong.size === 0 && own.length === 0 && <Note kind="good">The rule is valid, and nothing looks wrong with it.</Note>}
                </div>
              </>
            ),
          },
          { id: 'samples', title: 'Samples: now and after', panel: <Samples rules={rules} draft={checked.body && checked.wrong.size === 0 ? checked.body : null} account={account} /> },
          ...(stored && can('GET', '/api/v1/rules/versions') ? [{ id: 'history', title: 'History', panel: <RuleHistory id={stored.id ?? ''} account={stored.account_id ?? ''} /> }] : []),
        ]}
      />
      {asking === 'delete' && where && (
        <Confirm
          title={`Delete “${stored?.name ?? ''}”?`} verb="Delete rule" danger busy={remove.isPending} onClose={() => setAsking(null)}
          // Not mutate's onSuccess: by then the rule is off the list, and this is gone with it.
          onConfirm={() => void remove.mutateAsync({ ...where } as never).then(() => { toast(`Deleted “${stored?.name ?? ''}”.`); onClose() }, toastFailure)}
        ><p>Requests that it decided go to the rules below it. The history keeps it: an earlier version can be restored.</p></Confirm>
      )}
      {asking === 'leave' && <Confirm title="Leave without saving?" verb="Leave" danger onClose={() => setAsking(null)} onConfirm={onClose}><p>What you changed is lost.</p></Confirm>}
      {asking === 'rollout' && checked.body && <StartRollout rules={rules} draft={checked.body} onClose={() => setAsking(null)} onStarted={() => { setAsking(null); onClose() }} />}
    </Drawer>
  )
}

