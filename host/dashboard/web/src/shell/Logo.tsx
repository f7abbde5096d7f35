/** Logo is the switch and the name. */
export function Logo() {
  return (
    <span className="logo">
      <svg width="22" height="22" viewBox="0 0 22 22" fill="none" strokeLinecap="round" strokeWidth="2.4" aria-hidden="true">
        <path d="M5 20v-8c0-4 3-5 6-7l6-3" stroke="var(--edge)" />
        <path d="M5 20V2" stroke="currentColor" />
        <circle cx="17" cy="15" r="3.2" fill="var(--family-gpt)" />
      </svg>
      Pointsman
    </span>
  )
}
