// Asks what became of an upload: {gone}, {result}, {problem}, {state, offset}, or {away} while nobody answers.
export async function state(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (answer.status === 404 || answer.status === 410) return { gone: true };
    if (answer.status === 401) return { session: true };
    if (!answer.ok) return { away: true };
    const told = await answer.json();
    if (told.result) return { result: `/results/${told.result.split("/").at(-1)}` };
    return ["arriving", "verifying", "refused"].includes(told.state) ? told : { gone: true, problem: told.problem };
  } catch {
    return { away: true };
  }
}

// Waits until all that was sent is checked and recorded, however long that takes.
export async function ended(url, { every = 1000 } = {}) {
  for (;;) {
    const told = await state(url);
    if (told.gone || told.result || told.session || told.state === "refused") return told;
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
