import { autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import { lintGutter, setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState } from '@codemirror/state'
import { EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useId, useRef } from 'react'
import type { CodeEditorProps } from './CodeEditor'

// CodeMirror makes a style element: the page's policy takes it by this alone.
const nonce = () => {
  const meta = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')
  return meta?.nonce || meta?.content || ''
}

const look = EditorView.theme({
  '&': { backgroundColor: 'var(--card)', color: 'var(--text)', border: '1px solid var(--edge)', borderRadius: 'var(--radius-s)', fontSize: 'var(--text-s)' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '1px' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection': { backgroundColor: 'var(--chosen)' },
  '.cm-gutters': { backgroundColor: 'var(--sunk)', color: 'var(--soft)', border: 'none', borderRadius: 'var(--radius-s) 0 0 var(--radius-s)' },
  '.cm-tooltip': { backgroundColor: 'var(--card)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: 'var(--radius-s)', boxShadow: 'var(--float)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--chosen)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--soft)', fontStyle: 'normal' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--chosen)' },
})

const colours = HighlightStyle.define([
  { tag: tags.string, color: 'var(--status-up)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--family-claude)' },
  { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--family-codex)' },
  { tag: [tags.function(tags.variableName), tags.propertyName], color: 'var(--link)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
])

/** Editor is what CodeEditor loads. complete and language are read when it is made, and when they change. */
export default function Editor({ label, value, onChange, problems = [], complete, language, readOnly = false, minLines = 3 }: CodeEditorProps) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const parts = useRef({ complete: new Compartment(), language: new Compartment(), readOnly: new Compartment() })
  const changed = useRef(onChange)
  const id = useId()
  useEffect(() => { changed.current = onChange })

  useEffect(() => {
    const c = parts.current
    const v = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce()), lineNumbers(), history(), bracketMatching(), closeBrackets(), lintGutter(),
          EditorView.lineWrapping, look, syntaxHighlighting(colours), placeholder(''),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({ 'aria-label': label, 'aria-describedby': `${id}-problems` }),
          c.complete.of([]), c.language.of([]), c.readOnly.of([]),
          EditorView.updateListener.of((u) => { if (u.docChanged) changed.current?.(u.state.doc.toString()) }),
        ],
      }),
    })
    view.current = v
    return () => v.destroy()
    // Made once: what changes later is set by the effects below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])

  useEffect(() => {
    const v = view.current
    if (v && v.state.doc.toString() !== value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: value } })
  }, [value])
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.complete.reconfigure(autocompletion(complete ? { override: [complete], icons: false } : { override: [] })) })
  }, [complete])
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.language.reconfigure(language ? StreamLanguage.define(language) : []) })
  }, [language])
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.readOnly.reconfigure([EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly)]) })
  }, [readOnly])
  useEffect(() => {
    const v = view.current
    if (!v) return
    const doc = v.state.doc
    v.dispatch(setDiagnostics(v.state, problems.map((p) => {
      const line = doc.line(Math.min(Math.max(1, p.line), doc.lines))
      const from = Math.min(line.to, line.from + Math.max(0, p.column - 1))
      return { from, to: Math.min(line.to, from + 1), severity: 'error' as const, message: p.message }
    })))
  }, [problems, value])

  return (
    <div className="editor" style={{ '--lines': minLines } as React.CSSProperties}>
      <div ref={box} />
      <p id={`${id}-problems`} className={problems.length > 0 ? 'field-error' : 'sr'} role="status">
        {problems.map((p) => `Line ${p.line}, column ${p.column}: ${p.message}`).join('\n')}
      </p>
    </div>
  )
}
