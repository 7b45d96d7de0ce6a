// Asks the browser for a passkey, and sends what it answers as the form that was sent would.
(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  const asked = (options) => {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const known of options.excludeCredentials ?? []) known.id = bytes(known.id);
    return options;
  };
  const answered = ({ id, type, rawId, response }) => {
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const told = {};
    for (const part of parts) if (response[part]) told[part] = text(response[part]);
    return JSON.stringify({ id, type, rawId: text(rawId), response: told });
  };

  const why = (error) => {
    if (error.name === "NotAllowedError") {
      return "Nothing was done: it was cancelled, took too long, or there is no passkey for this site here.";
    }
    if (error.name === "InvalidStateError") return "This device has a passkey of yours already.";
    return `The browser refused: ${error.message}`;
  };
  const tell = (form, problem) => {
    const place = form.querySelector("[data-problem]");
    place.textContent = problem;
    place.hidden = !problem;
  };

  const go = async (form) => {
    const { passkey, begin, origin } = form.dataset;
    if (location.origin !== origin) {
      tell(form, `Passkeys work at ${origin} only, and this page is open at ${location.origin}.`);
      return;
    }
    if (!window.PublicKeyCredential) {
      tell(form, "This browser has no passkeys.");
      return;
    }
    const password = form.elements.password;
    const body = new URLSearchParams(password ? { password: password.value } : {});
    const response = await fetch(begin, { method: "POST", body, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      location.reload();
      return;
    }
    const options = await response.json();
    if (!response.ok) {
      tell(form, options.problem);
      return;
    }
    const credential = await navigator.credentials[passkey]({ publicKey: asked(options) });
    form.elements.answer.value = answered(credential);
    // It has been shown; what follows needs it no more.
    if (password) password.disabled = true;
    form.submit();
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    tell(form, "");
    try {
      await go(form);
    } catch (error) {
      tell(form, why(error));
    }
    button.disabled = false;
  });
})();
