// Runs before the page is painted, so that the chosen theme never flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const find = (selector) => document.querySelector(selector);
  root.classList.add("js");

  // Theme: the system's, until somebody chooses.
  const chosen = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const theme = () => chosen() ?? (system.matches ? "dark" : "light");
  const paint = () => {
    root.setAttribute("data-bs-theme", theme());
    const name = theme() === "dark" ? "Light theme" : "Dark theme";
    for (const label of document.querySelectorAll("[data-theme-name]")) label.textContent = name;
  };
  paint();
  system.addEventListener("change", paint);

  // Times grow old while a page stands open. The words are those of `when.rs`.
  const relative = (iso) => {
    const ago = Math.floor(Date.now() / 1000) - Math.floor(Date.parse(iso) / 1000);
    const far = Math.abs(ago);
    if (ago >= 0 && far < 5) return "just now";
    const steps = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];
    const [, unit, word] = steps.find(([below]) => far < below);
    const told = `${Math.floor(far / unit)} ${word}`;
    return ago >= 0 ? `${told} ago` : `in ${told}`;
  };
  const age = () => {
    for (const time of document.querySelectorAll("time[data-when]")) {
      const text = relative(time.dateTime);
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(age, 5000);

  // Said by screen readers when they have finished what they are saying.
  let silence;
  const say = (text) => {
    const place = find("[data-say]");
    place.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { place.textContent = ""; }, 4000);
  };

  // The live list: `live`, `paused` or `lost`.
  const words = { live: "Live", paused: "Paused", lost: "No connection; trying again" };
  const state = () => find("[data-live-state]")?.dataset.liveState;
  const become = (next) => {
    const panel = find("[data-live-state]");
    if (!panel || panel.dataset.liveState === next) return;
    panel.dataset.liveState = next;
    panel.querySelector("[data-live-word]").textContent = words[next];
    panel.querySelector("button").textContent = next === "paused" ? "Resume" : "Pause";
  };
  // Told at most every 10 s: a busy gate must not talk without end.
  let unsaid = 0;
  let quiet = false;
  const announce = () => {
    quiet = unsaid > 0;
    if (!quiet) return;
    find("[data-live-said]").textContent = unsaid === 1 ? "1 new decision" : `${unsaid} new decisions`;
    unsaid = 0;
    setTimeout(announce, 10000);
  };
  let shown = new Set();
  const rows = () => [...document.querySelectorAll("[data-live] tbody tr")].map((row) => row.id);

  document.addEventListener("DOMContentLoaded", () => { paint(); shown = new Set(rows()); });
  document.addEventListener("htmx:before:request", (event) => {
    if (state() === "paused" || document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", () => { if (state() === "lost") become("live"); });
  document.addEventListener("htmx:error", () => { if (state() === "live") become("lost"); });
  // What somebody unfolded stays so when its part of the page renews itself.
  let unfolded = [];
  document.addEventListener("htmx:before:swap", () => {
    unfolded = [...document.querySelectorAll("details[id][open]")].map((part) => part.id);
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    age();
    const now = rows();
    const fresh = now.filter((id) => !shown.has(id)).length;
    shown = new Set(now);
    unsaid += fresh;
    if (!quiet) announce();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.action === "theme") {
      try { localStorage.setItem("theme", theme() === "dark" ? "light" : "dark"); } catch { /* kept nowhere */ }
      paint();
    } else if (button?.dataset.action === "pause") {
      become(state() === "paused" ? "live" : "paused");
    } else if (button?.dataset.copy !== undefined) {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        say("Copied");
      } catch {
        say("This browser does not let pages copy; select the text instead");
      }
    }
  });
})();
