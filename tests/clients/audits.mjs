// Runs all audits of GraphQL over HTTP of the graphql-http project: node audits.mjs http://127.0.0.1:PORT/graphql
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
const audits = serverAudits({ url, fetchFn: fetch });
let passed = 0;
for (const audit of audits) {
  const result = await audit.fn().catch((error) => ({ status: 'failed', reason: error.message }));
  if (result.status === 'ok') passed += 1;
  else console.log(`${result.status}: ${audit.id} ${audit.name}: ${result.reason}`);
}
console.log(`${passed} of ${audits.length}`);
