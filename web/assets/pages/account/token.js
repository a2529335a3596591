// Tokens in the links of mails.

/** Takes the token out of the address, so that no history keeps it. */
export function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) history.replaceState(history.state, '', location.pathname);
  return token ?? '';
}
