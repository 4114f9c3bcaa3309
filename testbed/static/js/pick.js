// Says beside a field with suggestions that what is written is none of them: data-pick holds the words, {name} the text.
for (const input of document.querySelectorAll("input[data-pick]")) {
  const known = new Set(Array.from(input.list.options, (option) => option.value.toLowerCase()));
  const said = document.createElement("p");
  said.className = "hint";
  said.setAttribute("role", "status");
  input.closest(".field").append(said);
  const tell = () => {
    const name = input.value.trim();
    const isNew = name.length > 1 && /\p{L}/u.test(name) && !known.has(name.toLowerCase());
    said.textContent = isNew ? input.dataset.pick.replace("{name}", name) : "";
  };
  input.addEventListener("change", tell);
  tell();
}
