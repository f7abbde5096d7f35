const find = document.getElementById('find'), found = document.getElementById('found')
const routes = [...document.querySelectorAll('details.route')]
document.getElementById('finder').hidden = false
find.addEventListener('input', () => {
  const words = find.value.toLowerCase().split(' ').filter(Boolean)
  let n = 0
  for (const r of routes) {
    const text = r.textContent.toLowerCase()
    r.hidden = !words.every((w) => text.includes(w))
    if (!r.hidden) n++
  }
  for (const s of document.querySelectorAll('section')) s.hidden = ![...s.querySelectorAll('details.route')].some((r) => !r.hidden)
  found.textContent = words.length ? n + ' of ' + routes.length : ''
})
const open = () => { const at = document.getElementById(location.hash.slice(1)); if (at?.tagName === 'DETAILS') at.open = true }
addEventListener('hashchange', open)
open()
