// Draws the description of the interface; without scripts the link above it leads to the same document.
const place = document.querySelector("#api");

globalThis.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.url,
  validatorUrl: null,
  deepLinking: true,
  supportedSubmitMethods: ["get", "head"],
  docExpansion: "none",
});
