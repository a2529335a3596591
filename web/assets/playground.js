// GraphiQL on this server's API: over HTTP, and over the WebSocket for subscriptions.

const { GraphiQL, React, ReactDOM, graphqlWs } = /** @type {any} */ (window);
const container = /** @type {HTMLElement} */ (document.getElementById('playground'));

if (GraphiQL && React && ReactDOM && graphqlWs) {
  const url = new URL('/graphql', location.href);
  const wsClient = graphqlWs.createClient({ url: url.href.replace(/^http/, 'ws'), lazy: true });
  const fetcher = GraphiQL.createFetcher({ url: url.href, wsClient });
  const query =
    '# Descriptions are in the documentation on the left.\n{\n  events {\n    slug\n    name\n    phase\n  }\n}\n';
  ReactDOM.createRoot(container).render(
    React.createElement(GraphiQL, { fetcher, defaultQuery: query, shouldPersistHeaders: false }),
  );
} else {
  // Neither the local files nor the CDN are available.
  /** @type {HTMLElement} */ (document.getElementById('unreachable')).hidden = false;
}
