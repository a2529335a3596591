// The entry script: loads the application and shows a message where that fails. It works without the message catalogue.

const MESSAGES = {
  en: ['The page could not be loaded.', 'Try again'],
  de: ['Die Seite konnte nicht geladen werden.', 'Noch einmal versuchen'],
};

/** @param {unknown} error */
function showStartFailure(error) {
  const isGerman = navigator.language.toLowerCase().startsWith('de');
  const [text, retry] = isGerman ? MESSAGES.de : MESSAGES.en;
  const paragraph = document.createElement('p');
  paragraph.textContent = text;
  const details = document.createElement('p');
  details.className = 'quiet';
  details.textContent = error instanceof Error ? error.message : String(error);
  const button = document.createElement('button');
  button.textContent = retry;
  button.onclick = () => location.reload();
  const main = document.createElement('main');
  main.className = 'empty';
  main.setAttribute('role', 'alert');
  main.append(paragraph, details, button);
  document.body.replaceChildren(main);
}

import('./app.js').catch(showStartFailure);
