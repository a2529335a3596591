// Subscribes with graphql-ws or graphql-sse:
// node subscriber.mjs ws|sse http://127.0.0.1:PORT/graphql AUTHORIZATION SUBSCRIPTION AUTHORIZATION MUTATION
// Prints two events, one per line; executes the mutation after the first.
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';

const [protocol, url, authorization, subscription, actor, mutation] = process.argv.slice(2);
const client =
  protocol === 'ws'
    ? createWsClient({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: { authorization },
      })
    : createSseClient({ url, headers: { authorization }, retryAttempts: 0 });

let events = 0;
for await (const event of client.iterate({ query: subscription })) {
  console.log(JSON.stringify(event));
  events += 1;
  if (events === 2) break;
  const headers = { authorization: actor, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: mutation }) });
  const answer = await response.json();
  if (answer.errors || Object.values(answer.data)[0].errors.length > 0) throw new Error(JSON.stringify(answer));
}
client.dispose?.();
process.exit(0);
