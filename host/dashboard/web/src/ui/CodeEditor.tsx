import type { CompletionSource } from '@codemirror/autocomplete'
import type { Diagnostic } from '@codemirror/lint'
import type { StreamParser } from '@codemirror/language'
import { lazy, Suspense } from 'react'
import { Loading } from './Card'

export type CodeEditorProps = {
  label: string
  value: string
  onChange?: (text: string) => void
  /** What is wrong with the text, shown under the place and in words below. */
  problems?: readonly { line: number; column: number; message: string }[]
  /** Offers words while typing. */
  complete?: CompletionSource
  /** Colours the text. */
  language?: StreamParser<unknown>
  readOnly?: boolean
  minLines?: number
}

export type { CompletionSource, Diagnostic, StreamParser }

const Editor = lazy(() => import('./Editor'))

/** CodeEditor is CodeMirror, loaded when it is first shown. Tab leaves it, as every control. */
export function CodeEditor(p: CodeEditorProps) {
  return <Suspense fallback={<Loading what="Editor" rows={p.minLines ?? 3} />}><Editor {...p} /></Suspense>
}
