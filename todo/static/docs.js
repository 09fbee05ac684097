// A file of its own: the page's Content-Security-Policy lets no inline script run.
SwaggerUIBundle({
  url: "api/v1/openapi.json",
  dom_id: "#docs",
  deepLinking: true, // an operation has a URL, to send to somebody
});
