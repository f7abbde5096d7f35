import { useEffect, useRef, useState } from 'react'
import { bytes } from '../../api/format'
import { asProblem, type Problem } from '../../api/problem'
import { queries } from '../../api/query'
import { AccountPicker, Button, Checkbox, Dialog, Failure, Icon, Note, Progress } from '../../ui'
import { looksLikeWasm, stageOf, stepsOf, type Step } from './gate'
import { pluginRoutes, type Version } from './plugin'
import { uploadPlugin } from './upload'

type State = { state: 'idle' } | { state: 'running'; sent: number } | { state: 'passed'; version: Version; known: boolean } | { state: 'failed'; problem: Problem }

/** UploadDialog takes a module, and shows how it does at each step of the gate. */
export function UploadDialog({ onClose, onOpen }: { onClose: () => void; onOpen: (key: string) => void }) {
  const [account, setAccount] = useState('')
  const [module, setModule] = useState<File | null>(null)
  const [fixtures, setFixtures] = useState<File | null>(null)
  const [activate, setActivate] = useState(false)
  const [wrong, setWrong] = useState('')
  const [s, setState] = useState<State>({ state: 'idle' })
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const take = async (files: readonly File[]) => {
    setState({ state: 'idle' })
    setWrong('')
    for (const file of files) {
      if (file.name.endsWith('.json')) setFixtures(file)
      else if (looksLikeWasm(new Uint8Array(await file.slice(0, 4).arrayBuffer()))) setModule(file)
      else setWrong(`${file.name} is no WebAssembly module. Build the plugin with “pointsman plugin build” and choose its .wasm file.`)
    }
  }
  const go = async () => {
    if (!module) return
    stop.current = new AbortController()
    setState({ state: 'running', sent: 0 })
    try {
      const { version, known } = await uploadPlugin(module, fixtures, { account_id: account, activate }, (sent) => setState((old) => (old.state === 'running' ? { state: 'running', sent } : old)), stop.current.signal)
      setState({ state: 'passed', version, known })
      for (const p of pluginRoutes) void queries.invalidateQueries({ queryKey: [p] })
    } catch (e) {
      setState({ state: 'failed', problem: asProblem(e) })
    }
  }
  const passed = s.state === 'passed' ? s.version : null
  return (
    <Dialog
      title="Upload a plugin" wide onClose={onClose}
      actions={passed
        ? <><Button onClick={onClose}>Close</Button><Button kind="primary" onClick={() => onOpen(passed.account_id ? `${passed.account_id}/${passed.name}` : passed.name)}>Open {passed.name}</Button></>
        : <><Button onClick={onClose}>Cancel</Button><Button kind="primary" icon="upload" busy={s.state === 'running'} disabled={!module} onClick={() => void go()}>Upload</Button></>}
    >
      <div className="upload-parts">
        <div className="stack">
          <FileDrop label="Module" hint="A .wasm file, with its manifest inside." accept=".wasm,application/wasm" file={module} onFiles={take} />
          <FileDrop label="Fixtures" hint="Cases that it must pass: a JSON array, at most 100. May be left out." accept=".json,application/json" file={fixtures} onFiles={take} onClear={() => setFixtures(null)} />
          {wrong && <Note kind="warn">{wrong}</Note>}
          <AccountPicker value={account} onChange={setAccount} all="All accounts" />
          <Checkbox label="Make it the active version" hint="The first version of a name is active anyway." checked={activate} onChange={(e) => setActivate(e.target.checked)} />
        </div>
        <div className="stack">
          <Steps steps={stepsOf(s, fixtures !== null)} running={s.state === 'running' && s.sent >= 1} />
        </div>
      </div>
      {s.state === 'running' && (s.sent < 1 ? <Progress label={`Uploading ${bytes(module?.size)}`} value={s.sent} /> : <Progress label="The server tries it. Compiling a large module takes some seconds." />)}
      <div role="status">
        {passed && s.state === 'passed' && <Note kind="good">{s.known ? `${passed.ref} was there already.` : `${passed.ref} passed every step.`} {passed.active ? 'It is the active version.' : 'It is not active yet: activate it among its versions.'}</Note>}
      </div>
      {s.state === 'failed' && !stageOf(s.problem) && <Failure error={s.problem} what="Not uploaded" />}
    </Dialog>
  )
}

function FileDrop({ label, hint, accept, file, onFiles, onClear }: { label: string; hint: string; accept: string; file: File | null; onFiles: (files: readonly File[]) => Promise<void>; onClear?: () => void }) {
  const [over, setOver] = useState(false)
  return (
    <div>
      <label
        className={`file-drop${over ? ' file-over' : ''}`}
        onDragOver={(e) => { e.preventDefault(); setOver(true) }} onDragLeave={() => setOver(false)}
        onDrop={(e) => { e.preventDefault(); setOver(false); void onFiles([...e.dataTransfer.files]) }}
      >
        <Icon name="upload" />
        <span><strong>{label}</strong><br /><span className="soft">{file ? <>{file.name}, {bytes(file.size)}</> : <>{hint} Choose it, or drop it here.</>}</span></span>
        <input type="file" className="sr" aria-label={label} accept={accept} onChange={(e) => { void onFiles([...(e.target.files ?? [])]); e.target.value = '' }} />
      </label>
      {file && onClear && <Button small kind="quiet" onClick={onClear}>Without {label.toLowerCase()}</Button>}
    </div>
  )
}

const signs = { waiting: ['dash', 'var(--soft)', 'waiting'], passed: ['tick', 'var(--status-up)', 'passed'], failed: ['cross', 'var(--status-down)', 'failed'], skipped: ['dash', 'var(--soft)', 'not tried'], unknown: ['dash', 'var(--soft)', 'not known'] } as const

function Steps({ steps, running }: { steps: readonly Step[]; running: boolean }) {
  return (
    <ol className="gate-steps" aria-label="Steps of the gate">
      {steps.map((s) => {
        const [icon, colour, word] = signs[s.outcome]
        return (
          <li key={s.id}>
            <span className="gate-sign" style={{ color: colour }}><Icon name={icon} size={16} /></span>
            <span><strong>{s.title}</strong> <span style={{ color: colour }}>{running && s.outcome === 'waiting' ? 'being tried' : word}</span><br />{s.outcome === 'failed' ? <span role="alert">{s.note}</span> : <span className="soft">{s.note ?? s.what}</span>}</span>
          </li>
        )
      })}
    </ol>
  )
}
