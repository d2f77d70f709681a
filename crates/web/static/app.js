// What pages gain from a script; all of them work without it. Nothing here makes script or markup out of text:
// documents are parsed by XMLHttpRequest, which runs none of their scripts.
"use strict";
(() => {
  const main = () => document.getElementById("main");
  const load = (href) => new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("GET", href);
    request.responseType = "document";
    request.timeout = 20000;
    request.onload = () => request.response ? done(request.response) : fail(new Error("no document"));
    request.onerror = request.ontimeout = () => fail(new Error("no answer"));
    request.send();
  });

  // --- Live: a page that shows the present is fetched again when something changed that concerns it.
  const events = document.body.dataset.events;
  const lamp = document.querySelector(".live");
  let source, timer, busy = false, again = false, last = 0;

  const concerns = (change) => {
    const topics = main().dataset.topics.split(" ").filter(Boolean);
    if (!topics.length || !change) return true;
    const said = new Set([...change.tests.map((id) => "test:" + id), ...change.controls.map((id) => "control:" + id)]);
    if (change.sources) said.add("sources");
    return topics.some((topic) => said.has(topic));
  };
  const disturbs = () => {
    const own = main(), at = document.activeElement, selection = getSelection();
    if (document.querySelector("dialog[open]")) return true;
    if (own.contains(at) && at.matches("input, select, textarea")) return true;
    return selection && !selection.isCollapsed && own.contains(selection.anchorNode);
  };
  const place = (element) => element.id ? "#" + element.id : element.getAttribute("href") ?? element.textContent;

  // Makes a node what another is and leaves alone what is the same: the less is new, the sooner it is seen.
  function renew(old, next) {
    if (old.isEqualNode(next)) return;
    const own = [...old.childNodes], others = [...next.childNodes];
    const alike = own.length && own.length === others.length && old.cloneNode().isEqualNode(next.cloneNode());
    if (alike) own.forEach((one, n) => renew(one, others[n]));
    else old.replaceWith(document.adoptNode(next));
  }

  async function refresh() {
    if (busy || disturbs()) { again = true; return; }
    busy = true; again = false; last = Date.now();
    try {
      const fresh = await load(location.href);
      const next = fresh.getElementById("main"), old = main();
      if (next && !disturbs()) {
        const focused = old.contains(document.activeElement) ? place(document.activeElement) : null;
        const open = new Set([...old.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
        // Not innerText: it would lay the page out twice more before anything is seen.
        const before = old.textContent, top = scrollY;
        for (const summary of next.querySelectorAll("details > summary"))
          if (open.has(summary.textContent)) summary.parentElement.open = true;
        renew(old, next);
        document.title = fresh.title;
        scrollTo(scrollX, top);
        const now = main();
        if (focused && !now.contains(document.activeElement))
          [...now.querySelectorAll("a, button, summary, [tabindex]")].find((one) => place(one) === focused)?.focus({ preventScroll: true });
        if (before !== now.textContent) document.getElementById("say").textContent = "The page shows new results.";
      }
      lamp?.classList.add("on");
    } catch { lamp?.classList.remove("on"); }
    busy = false;
    if (again && !disturbs()) soon();
  }
  // At once, and then at most three times a second.
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, last + 330 - Date.now()));
  }
  function listen() {
    if (source || document.hidden) return;
    source = new EventSource(events);
    source.onopen = () => lamp?.classList.add("on");
    source.onerror = () => lamp?.classList.remove("on");
    source.addEventListener("change", (event) => { if (concerns(JSON.parse(event.data))) soon(); });
    source.addEventListener("missed", soon);
  }
  if (events) {
    listen();
    // Browsers allow few connections to one server: only the page that is looked at holds one.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) { source?.close(); source = null; } else { listen(); soon(); }
    });
    document.addEventListener("focusout", () => { if (again) soon(); });
  }

  // --- Times beside the absolute ones go on.
  setInterval(() => {
    if (!events) return;
    const now = Date.now() / 1000;
    for (const one of document.querySelectorAll(".rel[data-secs]")) {
      const secs = now - Number(one.dataset.secs);
      if (secs < 0 || secs > 86400) continue;
      one.textContent = secs < 60 ? Math.floor(secs) + " s ago" : secs < 3600 ? Math.floor(secs / 60) + " min ago" : Math.floor(secs / 3600) + " h ago";
    }
  }, 10000);

  // --- The moment: a slider over the last year beside the field.
  const form = document.querySelector("form.moment");
  if (form) {
    const now = Number(form.dataset.now), field = form.elements.as_of, slider = document.createElement("input");
    slider.type = "range"; slider.min = 0; slider.max = 365 * 24; slider.step = 1;
    slider.value = 365 * 24 - Math.round((now - Number(form.dataset.at)) / 3600);
    slider.setAttribute("aria-label", "As of, within the last year");
    slider.addEventListener("input", () => {
      const hours = 365 * 24 - Number(slider.value);
      field.value = hours ? new Date((now - hours * 3600) * 1000).toISOString().slice(0, 16) : "";
      slider.setAttribute("aria-valuetext", field.value || "now");
    });
    slider.addEventListener("change", () => form.requestSubmit());
    field.before(slider);
  }
  for (const one of document.querySelectorAll("form[method=get]"))
    one.addEventListener("submit", () => { for (const field of one.elements) if (!field.value) field.disabled = true; });
  addEventListener("pageshow", () => { for (const field of document.querySelectorAll("form :disabled")) field.disabled = false; });

  // --- A link marked so opens beside the page; a click with a modifier goes there.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-drawer]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.closest("dialog")) return;
    event.preventDefault();
    try {
      const inside = (await load(link.href)).getElementById("main");
      if (!inside) throw new Error("no content");
      const drawer = document.createElement("dialog"), close = document.createElement("button");
      close.textContent = "Close"; close.className = "close"; close.onclick = () => drawer.close();
      drawer.setAttribute("aria-label", link.textContent.trim());
      drawer.append(close, ...document.adoptNode(inside).childNodes);
      drawer.addEventListener("click", (inner) => { if (inner.target === drawer) drawer.close(); });
      drawer.addEventListener("close", () => { drawer.remove(); link.focus(); if (again) soon(); });
      document.body.append(drawer);
      drawer.showModal();
    } catch { location.href = link.href; }
  });

  // --- A text that others need is copied. Without a script there is no button, and the text can be selected.
  document.documentElement.classList.add("js");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const told = document.getElementById("say");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      told.textContent = "Copied.";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    } catch { told.textContent = button.textContent = "Select it and copy it yourself"; }
  });

  // --- A slash goes to the search.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    document.getElementById("q").focus();
  });
})();
