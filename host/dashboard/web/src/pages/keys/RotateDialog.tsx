import { useState } from 'react'
import { useSend } from '../../api/query'
import { Button, Dialog, Failure, Field, Select } from '../../ui'
import type { Key } from './key'

const overlaps = [
  { value: '0', label: 'Not at all: it stops now' }, { value: '3600', label: 'An hour' },
  { value: '86400', label: 'A day' }, { value: '604800', label: 'A week' },
]

/** RotateDialog puts a new key in the place of one. */
export function RotateDialog({ of, onClose, onMade }: { of: Key; onClose: () => void; onMade: (k: Key) => void }) {
  const [overlap, setOverlap] = useState('86400')
  const rotate = useSend('post', '/api/v1/keys/{id}/rotate', ['/api/v1/keys'])
  const go = () => rotate.mutate({ path: { id: of.id }, query: { account_id: of.account_id }, body: { overlap_seconds: Number(overlap) } } as never, { onSuccess: (k) => { if (k) onMade(k) } })
  return (
    <Dialog title={`Rotate “${of.name}”`} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={rotate.isPending} onClick={go}>Rotate key</Button></>}>
      <p>A new key with the same user and scopes takes its place. Both work until the old one ends.</p>
      <Field label="How long the old key goes on working">{(f) => <Select {...f} value={overlap} onChange={(e) => setOverlap(e.target.value)} options={overlaps} />}</Field>
      {rotate.error && <Failure error={rotate.error} what="Not rotated" />}
    </Dialog>
  )
}
