/** Review: the people of a collection, doubts first, put right with one key each; every step can be taken back. */

import { call, picture, Problem } from "../api.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { Button, Check, Empty, Field, Loaded, Loading, Notice, say } from "../parts.js";
import { may } from "../session.js";
import { html, useEffect, useState } from "../ui.js";
import { count } from "../words.js";

const AT_ONCE = 60;
const KEYS = "Y one person · N two people · S later · U take back";

export function Review({ rest: [, number] }) {
  return /^\d+$/.test(number ?? "") ? html`<${Group} key=${number} number=${Number(number)} />` : html`<${Pile} />`;
}

function Pile() {
  const [shown, setShown] = useState(AT_ONCE);
  const review = useLoaded((signal) => call(`/collection?count=${shown}`, { signal }), [shown]);
  const [again, regrouping] = useDoing(async () => {
    review.set(await call("/collection/group", { json: {} }));
    say("Grouped again.");
  });
  useTitle("Review", "People");
  if (review.problem instanceof Problem && review.problem.status === 404)
    return html`<${Empty} title="No collection is served here"><p>${review.problem.message}</p></${Empty}>`;
  return html`<${Loaded} from=${review} what="the groups">${(value) => html`
    <div class="in-words">${value.words.split("\n").map((line) => html`<p key=${line}>${line}</p>`)}</div>
    <${Queue} review=${value} onChange=${review.again} />
    ${
      may("enrol") &&
      html`<p class="buttons"><${Button} busy=${regrouping.busy} onClick=${again}>Group again
      </${Button}></p>`
    }
    ${regrouping.busy && html`<${Loading} what="Comparing all faces" />`}
    <${Notice} problem=${regrouping.problem} />
    <h2>${count(value.several, "person", "people")} with several faces, ${count(value.alone, "face")} alone</h2>
    <ul class="review-groups">${value.groups.map(
      (one) => html`<li key=${one.id}><a href=${`#people/review/${one.id}`}>
        <span class="review-faces">${one.faces.slice(0, 4).map(
          (face) => html`<${Face} key=${face.id} face=${face.id}
          label="" side=${56} />`,
        )}</span>
        <span><b>${one.name ?? `Group ${one.id}`}</b> ${count(one.count, "face")}</span></a></li>`,
    )}</ul>
    ${
      shown < value.several &&
      html`<p class="buttons"><${Button} onClick=${() => setShown(shown + AT_ONCE)}>Show more
      </${Button}></p>`
    }`}</${Loaded}>`;
}

/** What is doubtful, one question at a time: joins that were near to the threshold, then pairs just below it. */
function Queue({ review, onChange }) {
  const [later, setLater] = useState([]);
  const waiting = [...review.doubtful, ...review.nearly].filter(({ faces }) => !later.includes(String(faces)));
  const doubt = waiting[0];
  const [act, acting] = useDoing(async (_signal, what) => {
    if (what === "undo") {
      const { what: taken } = await call("/collection/undo", { method: "POST" });
      say(taken ? `Taken back: ${taken}.` : "Nothing is left to take back.");
    } else {
      await answer(doubt, what === "same");
      say(what === "same" ? "One person." : "Two people.");
    }
    onChange();
  });
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea, dialog"))
        return;
      const key = event.key.toLowerCase();
      if (key === "u" && may("enrol")) act("undo");
      if (!doubt) return;
      if (key === "y" && may("enrol")) act("same");
      if (key === "n" && may("enrol")) act("other");
      if (key === "s") setLater((all) => [...all, String(doubt.faces)]);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
  const takeBack = html`<${Button} busy=${acting.busy} onClick=${() => act("undo")}>Take back (U)</${Button}>`;
  if (!doubt)
    return html`<${Empty} title="Nothing doubtful is left"><p class="buttons">${may("enrol") && takeBack}</p>
      <${Notice} problem=${acting.problem} /></${Empty}>`;
  const joined = doubt.groups[0] === doubt.groups[1];
  return html`<section class="review-doubt" aria-label="A doubt"><h2>One person, or two?</h2>
    <p>${joined ? "They are in one group now." : "They are in two groups now."} ${doubt.why}.</p>
    <div class="review-pair">${doubt.faces.map(
      (face, side) => html`<figure key=${face}><${Face} face=${face} label=${`Face ${face}`} side=${160} />
        <figcaption><a href=${`#people/review/${doubt.groups[side]}`}>${
          doubt.names[side] ?? `Group ${doubt.groups[side]}`
        }</a></figcaption></figure>`,
    )}</div>
    ${
      may("enrol") &&
      html`<p class="buttons"><${Button} class="main" busy=${acting.busy} onClick=${() => act("same")}>One person (Y)
        </${Button}> <${Button} busy=${acting.busy} onClick=${() => act("other")}>Two people (N)</${Button}>
        <${Button} onClick=${() => setLater([...later, String(doubt.faces)])}>Later (S)</${Button}> ${takeBack}</p>`
    }
    <p class="quiet">${count(waiting.length, "doubt")} left. ${KEYS}.</p>
    <${Notice} problem=${acting.problem} /></section>`;
}

/** Say whether the two faces of a doubt show one person. */
function answer({ faces, sizes, groups }, same) {
  const joined = groups[0] === groups[1];
  if (same === joined) return call("/collection/confirm", { json: { faces } });
  if (same) return call("/collection/join", { json: { groups } });
  return call("/collection/separate", { json: { faces: [faces[sizes[0] < sizes[1] ? 0 : 1]] } });
}

function Group({ number }) {
  const group = useLoaded((signal) => call(`/collection/groups/${number}`, { signal }), [number]);
  useTitle(group.value?.name ?? `Group ${number}`, "Review");
  return html`<p class="back"><a href="#people/review">← All groups</a></p>
    <${Loaded} from=${group} what="the group">${(value) => html`<${Members} group=${value} again=${group.again} />`}
    </${Loaded}>`;
}

function Members({ group, again }) {
  const [chosen, setChosen] = useState(/** @type {number[]} */ ([]));
  const [name, setName] = useState(group.name ?? "");
  const [enrol, setEnrol] = useState(false);
  const [other, setOther] = useState("");
  const [act, acting] = useDoing(async (_signal, path, json, sentence) => {
    const answered = await call(`/collection/${path}`, json ? { json } : { method: "POST" });
    say(sentence);
    setChosen([]);
    if (path === "join" && answered.group !== group.id) location.hash = `#people/review/${answered.group}`;
    else again();
  });
  const toggle = (face) =>
    setChosen((all) => (all.includes(face) ? all.filter((one) => one !== face) : [...all, face]));
  return html`<h2>${group.name ?? `Group ${group.id}`}: ${count(group.count, "face")}</h2>
    <ul class="review-members">${group.faces.map(
      (face) => html`<li key=${face.id}><label><${Face} face=${face.id} label=${`Face ${face.id}`} side=${96} />
        <span>${
          may("enrol") &&
          html`<input type="checkbox" checked=${chosen.includes(face.id)}
          onChange=${() => toggle(face.id)} />`
        } ${face.path.split("/").pop() || "(no file left)"}</span>
        ${face.unfit && html`<small class="quiet">${face.unfit}</small>`}</label></li>`,
    )}</ul>
    ${
      may("enrol") &&
      html`<p class="buttons"><${Button} disabled=${!chosen.length} busy=${acting.busy}
          onClick=${() => act("separate", { faces: chosen }, "They are another person now.")}>Not this person
        </${Button}> <${Button} busy=${acting.busy} onClick=${() => act("undo", null, "Taken back.")}>Take back the last
        </${Button}></p>
      <form class="line-form" onSubmit=${(event) => {
        event.preventDefault();
        act("name", { group: group.id, name: name.trim() || null, enrol }, "The name is kept.");
      }}><${Field} label="Name" value=${name} maxlength="200" onInput=${(event) => setName(event.target.value)} />
        <${Check} label="Also into the gallery" checked=${enrol} onChange=${setEnrol} />
        <${Button} busy=${acting.busy}>Keep the name</${Button}></form>
      <form class="line-form" onSubmit=${(event) => {
        event.preventDefault();
        act("join", { groups: [group.id, Number(other)] }, "They are one person now.");
      }}><${Field} label="The same person as group number" inputmode="numeric" pattern="[0-9]+" required value=${other}
          onInput=${(event) => setOther(event.target.value)} />
        <${Button} busy=${acting.busy}>Join</${Button}></form>`
    }
    <${Notice} problem=${acting.problem} />`;
}

/** @param {{face: number, label: string, side: number}} props  The picture of a face, once it has come */
function Face({ face, label, side }) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    let made = null;
    picture(`/collection/faces/${face}/picture`, leaving.signal).then(
      (blob) => setUrl((made = URL.createObjectURL(blob))),
      () => {}, // its photograph is gone; the words beside it say all the same
    );
    return () => {
      leaving.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [face]);
  return url
    ? html`<img src=${url} alt=${label} width=${side} height=${side} />`
    : html`<span class="no-picture" role="img" aria-label=${`${label} (no picture)`}></span>`;
}
