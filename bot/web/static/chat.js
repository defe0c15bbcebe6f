// Small helps for the page. Everything works without this file.
(function () {
  'use strict';
  var form = document.getElementById('turn');

  // Away at once: Esc twice within a second, or the link. What is on the screen goes first, whatever the network does;
  // `replace` leaves no way back by the back button. Esc also stops a page that loads, so its own meaning is taken away.
  var leaving = false;
  function leave() {
    leaving = true;
    document.title = '';
    document.body.hidden = true;
    location.replace('lich');
  }
  var last = -1000;
  document.addEventListener('keydown', function (event) {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    if (!leaving && event.timeStamp - last < 1000) leave();
    last = event.timeStamp;
  });
  document.querySelectorAll('[data-leave]').forEach(function (link) {
    link.addEventListener('click', function (event) { event.preventDefault(); leave(); });
  });
  if (!form) return;

  // Who reads with their ears hears the answer first, not the head of the page.
  var said = document.getElementById('said');
  if (said) said.focus({ preventScroll: true });

  // The text box grows with what is written, and its Send button stays on the screen; Ctrl+Enter sends.
  var box = form.querySelector('textarea'), page = form.querySelector('main');
  function grow() {
    var at = page ? page.scrollTop : 0;
    box.style.height = 'auto';
    box.style.height = box.scrollHeight + 2 + 'px';
    if (page) page.scrollTop = at;
    if (document.activeElement === box) box.parentNode.scrollIntoView({ block: 'nearest' });
  }
  if (box) {
    ['input', 'focus'].forEach(function (what) { box.addEventListener(what, grow); });
    box.addEventListener('keydown', function (event) {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit(form.querySelector('.send'));
    });
    if (box.value) grow();
  }

  // A file that would be refused is let go of here: nobody waits for it in vain, and no other button has to carry it.
  var files = document.getElementById('files');
  if (files) files.addEventListener('change', function () {
    var bytes = 0;
    for (var i = 0; i < files.files.length; i++) bytes += files.files[i].size;
    var large = bytes > files.dataset.bytes || files.files.length > files.dataset.files;
    if (large) files.value = '';
    document.getElementById('too-large').hidden = !large;
  });

  // Enter on a box would send the form: the space bar ticks, Enter does nothing.
  form.addEventListener('keydown', function (event) {
    if (event.key === 'Enter' && event.target.type === 'checkbox') event.preventDefault();
  });

  // One turn a press; the page says that it is on its way.
  var sending = false;
  form.addEventListener('submit', function (event) {
    if (sending) { event.preventDefault(); return; }
    sending = true;
    form.classList.add('sending');
    form.setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', function () {
    sending = false;
    form.classList.remove('sending');
    form.removeAttribute('aria-busy');
  });

  // An officer's words do not come to a page by themselves: ask now and then, and say so without touching what is written.
  var fresh = document.getElementById('fresh');
  if (fresh) setInterval(function () {
    if (document.hidden || sending || leaving || !fresh.hidden) return;
    fetch('/news').then(function (answer) { return answer.ok ? answer.text() : ''; }).then(function (mark) {
      if (mark && mark !== form.elements.seen.value) fresh.hidden = false;
    }, function () { /* no network just now: asked again in 20 seconds */ });
  }, 20000);
})();
