// Files dropped on a zone with data-drop are the ones chosen in it; dropped elsewhere on the page they go to its only zone.
const zones = document.querySelectorAll("[data-drop]");
for (const words of document.querySelectorAll("[data-drop] .drop-words")) words.hidden = false;

function put(input, files) {
  const chosen = new DataTransfer();
  for (const file of input.multiple ? files : [...files].slice(0, 1)) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // or the browser would leave the page to show the file
    const zone = event.target.closest?.("[data-drop]") ?? (zones.length === 1 ? zones[0] : null);
    for (const each of zones) each.querySelector(".drop").classList.toggle("over", kind === "dragover" && each === zone);
    if (kind === "drop" && zone && event.dataTransfer.files.length) put(zone.querySelector("input"), event.dataTransfer.files);
  });
