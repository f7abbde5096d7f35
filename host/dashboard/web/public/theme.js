// Sets the theme before the first paint. A file of its own, since the page allows no inline script.
try {
  var stored = localStorage.getItem('pointsman.theme')
  if (stored === 'light' || stored === 'dark') document.documentElement.dataset.theme = stored
} catch {
  // Storage may be forbidden: the system's theme holds.
}
