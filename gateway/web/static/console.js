// All that scripts do beside htmx: keep the focus and tell of live parts that fail. Nothing depends on it.
document.addEventListener("htmx:responseError", (event) => {
  const home = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (home) location.assign(home);
});
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method !== "post" || event.target.hasAttribute("hx-post")) return;
  if (event.target.dataset.sent) { event.preventDefault(); return; } // a double click sends once
  event.target.dataset.sent = "1";
  if (button) button.setAttribute("aria-busy", "true");
  setTimeout(() => { // the answer may be a file, and the page stays
    delete event.target.dataset.sent;
    if (button) button.removeAttribute("aria-busy");
  }, 3000);
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
