// Draws the API of one service from its OpenAPI description; requests go out with the reader's own session.
const place = document.getElementById("api-docs");

addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: place.dataset.url,
    domNode: place,
    deepLinking: true,
    validatorUrl: null,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    presets: [SwaggerUIBundle.presets.apis],
  });
});
