// Runs before the page is painted, so that the chosen theme never flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const chosen = localStorage.getItem("theme") ?? (system.matches ? "dark" : "light");
    root.setAttribute("data-bs-theme", chosen);
  };
  show();
  system.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button?.dataset.action === "theme") {
      const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      localStorage.setItem("theme", next);
      show();
    }
    if (button?.dataset.action === "pause") {
      const live = document.querySelector("[data-live]");
      const paused = live.toggleAttribute("data-paused");
      button.setAttribute("aria-pressed", String(paused));
      button.textContent = paused ? "Resume" : "Pause";
    }
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (document.querySelector("[data-live][data-paused]")) event.preventDefault();
  });
})();
