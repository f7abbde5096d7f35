import { useState } from 'react'
import { moment } from '../../api/format'
import { etagOf, useGet, useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Confirm, Drawer, Facts, Failure, Loading, toast, toastFailure } from '../../ui'
import { AlertList } from './Alerts'
import { bodyOf, draftOf, emptyDraft, wrongWith, type Budget, type Draft } from './budget'
import { BudgetForm } from './BudgetForm'
import { Gauge, useBudgetScope } from './Budgets'

const routes = ['/api/v1/budgets', '/api/v1/budgets/{id}'] as const

type Props = { /** '' makes a new one. */ id: string; account: string; onClose: () => void }

/** BudgetDrawer shows, makes and changes one budget. */
export function BudgetDrawer(p: Props) {
  return p.id === '' ? <Create {...p} /> : <Opened {...p} />
}

function Create({ account, onClose }: Props) {
  const [draft, setDraft] = useState<Draft>(emptyDraft)
  const [tried, setTried] = useState(false)
  const create = useSend('post', '/api/v1/budgets', routes)
  const wrong = wrongWith(draft)
  const save = () => {
    setTried(true)
    if (Object.keys(wrong).length > 0) return
    create.mutate({ body: bodyOf(draft, account) }, { onSuccess: () => { toast('Budget created'); onClose() } })
  }
  return (
    <Drawer title="New budget" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={create.isPending} onClick={save}>Create budget</Button></>}>
      <BudgetForm draft={draft} onChange={setDraft} wrong={tried ? wrong : {}} account={account} onSubmit={save} />
      {create.error && <Failure error={create.error} what="Not created" />}
    </Drawer>
  )
}

function Opened({ id, account, onClose }: Props) {
  const query = account ? { account_id: account } : {}
  const q = useGet('/api/v1/budgets/{id}', { path: { id }, query }, { live: true })
  if (!q.data) return <Drawer title="Budget" onClose={onClose}>{q.error ? <Failure error={q.error} retry={() => void q.refetch()} what="The budget" /> : <Loading what="The budget" rows={6} />}</Drawer>
  return <Edit of={q.data} tag={etagOf(q.data)} query={query} account={account} onClose={onClose} />
}

function Edit({ of: b, tag, query, account, onClose }: { of: Budget; tag: string | undefined; query: { account_id?: string }; account: string; onClose: () => void }) {
  const can = useCan()
  const scope = useBudgetScope(account)
  const [draft, setDraft] = useState<Draft>(() => draftOf(b))
  const [deleting, setDeleting] = useState(false)
  // What the form was made from: a live read must not pass for it.
  const [ifMatch] = useState(tag)
  const save = useSend('put', '/api/v1/budgets/{id}', routes)
  const remove = useSend('delete', '/api/v1/budgets/{id}', ['/api/v1/budgets'])
  const may = can('PUT', '/api/v1/budgets/{id}')
  const wrong = wrongWith(draft)
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(b))
  const path = { id: b.id ?? '' }
  const put = () => {
    if (Object.keys(wrong).length > 0 || !changed) return
    save.mutate({ path, query, ifMatch, body: { ...bodyOf(draft, b.account_id), id: b.id ?? '' } }, { onSuccess: () => { toast('Budget saved'); onClose() } })
  }
  return (
    <Drawer
      title={b.name || b.id || 'Budget'} onClose={onClose}
      actions={may
        ? <>{can('DELETE', '/api/v1/budgets/{id}') && <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>Delete</Button>}<Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={save.isPending} disabled={!changed} onClick={put}>Save budget</Button></>
        : <Button onClick={onClose}>Close</Button>}
    >
      <Gauge of={b} scope={scope(b)} />
      {save.error && <Failure error={save.error} what="Not saved" />}
      {may && <BudgetForm draft={draft} onChange={setDraft} wrong={wrong} account={account} onSubmit={put} />}
      <h3>Alerts</h3>
      <AlertList account={account} budget={b.id ?? ''} />
      <Facts items={[['Id', <code key="i">{b.id}</code>], ['Changed', <>{moment(b.updated_at)}{b.updated_by && <span className="soft"> by {b.updated_by}</span>}</>]]} />
      {deleting && (
        <Confirm title="Delete the budget?" verb="Delete budget" danger busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => void remove.mutateAsync({ path, query }).then(() => { toast('Budget deleted'); onClose() }, toastFailure)}>
          <p>What “{b.name || b.id}” refuses is served again at once. What was spent stays in the ledger.</p>
        </Confirm>
      )}
    </Drawer>
  )
}
