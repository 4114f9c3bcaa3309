// Draws the places of the list beside it with Leaflet (loaded before as a classic script); grid and scale where no tiles are set.
const many = 200; // above it, dots on a canvas: the list stays the way in by keyboard

function ground(box, map) {
  const { tiles, attribution } = box.dataset;
  if (tiles) return L.tileLayer(tiles, { attribution, maxZoom: 19, errorTileUrl: "" }).addTo(map);
  const grid = new L.GridLayer();
  grid.createTile = () => L.DomUtil.create("div", "map-grid");
  return grid.addTo(map);
}

// A pin with the number that the list has; one place alone needs none.
function pin(feature, at, number) {
  const icon = L.divIcon({ className: `map-pin ${feature.tone}`, iconSize: [24, 24], html: number ? `<b>${number}</b>` : "" });
  return L.marker(at, { icon, title: feature.title, alt: feature.title });
}

// An area carries its pin at its northernmost corner: there it is on the shape, whatever its form.
function shape(feature, number, canvas) {
  const dot = (_, at) => (canvas ? L.circleMarker(at, { radius: 5, className: "map-area" }) : pin(feature, at, number));
  const parts = L.geoJSON(feature.geometry, { style: { className: "map-area" }, pointToLayer: dot }).getLayers();
  const corners = parts.flatMap((part) => (part.getLatLngs?.() ?? []).flat(3));
  if (corners.length && number && !canvas) parts.push(pin(feature, corners.reduce((top, each) => (each.lat > top.lat ? each : top)), number));
  return L.featureGroup(parts);
}

// Hovering or focusing either lights up both.
function tie(shape, feature, row) {
  const words = document.createElement("span");
  words.textContent = feature.title;
  shape.bindTooltip(words, { direction: "top", offset: [0, -10] });
  const light = (on) => {
    row.classList.toggle("lit", on);
    shape.eachLayer((each) => each.getElement?.()?.classList.toggle("lit", on));
    if (on) shape.openTooltip();
    else shape.closeTooltip();
  };
  shape.on("mouseover", () => light(true)).on("mouseout", () => light(false));
  shape.on("click", () => location.assign(feature.href));
  shape.eachLayer((each) => {
    const mark = each.getElement?.();
    mark?.addEventListener("focus", () => light(true));
    mark?.addEventListener("blur", () => light(false));
    mark?.addEventListener("keydown", (event) => event.key === "Enter" && location.assign(feature.href));
    if (each instanceof L.Marker) mark?.setAttribute("role", "link");
  });
  for (const [kind, on] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]])
    row.addEventListener(kind, () => light(on));
}

for (const box of document.querySelectorAll("[data-map]")) {
  const pair = box.closest(".map-pair");
  const features = JSON.parse(pair.querySelector(".map-data").textContent);
  if (!features.length) continue;
  const canvas = features.length > many;
  box.classList.add("leaflet-container");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(box, { zoomControl: false, preferCanvas: canvas, scrollWheelZoom: false, zoomAnimation: !still, fadeAnimation: !still });
  map.attributionControl.setPrefix(false);
  L.control.zoom({ zoomInTitle: box.dataset.zoomIn, zoomOutTitle: box.dataset.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  const shapes = features.map((feature, index) => shape(feature, features.length > 1 && index + 1, canvas));
  const bounds = L.featureGroup(shapes).getBounds().pad(0.2);
  const fit = () => map.fitBounds(bounds, { maxZoom: 15, animate: false });
  fit();
  map.on("resize", fit); // a turned screen shows the same places
  ground(box, map);
  shapes.forEach((each, index) => tie(each.addTo(map), features[index], pair.querySelector(`[data-place="${features[index].place}"]`)));
}
