// biome-ignore-all lint: written for browsers of ten years ago
// The code on a slip leads here with the key behind the #, which browsers send to nobody. It is taken out of the address, so that it
// is in no history, and sent as the form would send it.
;(function () {
  var key = window.location.hash.slice(1)
  var form = document.getElementById('slip')
  if (!form || !/^sk-stp-[0-9A-Za-z]{34}$/.test(key)) return
  if (window.history.replaceState) window.history.replaceState(null, '', window.location.pathname)
  document.getElementById('key').value = key
  form.submit()
})()
