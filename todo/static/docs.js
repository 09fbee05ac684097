// A separate file: the page's Content-Security-Policy allows no inline scripts.

// Remove the cookie from the ways to log in: no script can set it, so its field could not work.
function withoutCookieLogin(description) {
  delete description.components.securitySchemes.cookie;
  for (const path of Object.values(description.paths)) {
    for (const operation of Object.values(path)) {
      operation.security = operation.security?.filter((scheme) => !("cookie" in scheme));
    }
  }
  return description;
}

function show(description) {
  const ui = SwaggerUIBundle({
    spec: withoutCookieLogin(description),
    dom_id: "#docs",
    deepLinking: true, // each operation has a URL to share
    // Send no cookie: the page then sends just the request whose curl command it shows.
    requestInterceptor: (request) => ({ ...request, credentials: "omit" }),
    // After a registration or login, authorize the following requests; not after creating an API
    // token, which is for another program.
    responseInterceptor: (response) => {
      const { token, api_token: apiToken } = response.body ?? {};
      if (token && !apiToken) ui.preauthorizeApiKey("bearer", token);
      return response;
    },
  });
}

fetch("api/v1/openapi.json")
  .then((response) => response.json())
  .then(show);
