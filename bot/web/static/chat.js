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
    location.replace('/exit');
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

  // The text box grows with what is written; Ctrl+Enter sends.
  var box = form.querySelector('textarea');
  function grow() {
    box.style.height = 'auto';
    box.style.height = Math.min(box.scrollHeight + 2, 320) + 'px';
  }
  if (box) {
    box.addEventListener('input', grow);
    box.addEventListener('keydown', function (event) {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit(form.querySelector('.send'));
    });
    if (box.value) grow();
  }

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
})();
