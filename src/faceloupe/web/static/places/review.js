/**
 * Review: the people of a collection, or the unknown faces that the server keeps; doubts first, put right with one key
 * each. Every step can be taken back, but for faces that are erased.
 */

import { call, picture, Problem } from "../api.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { Keeping } from "../keeping.js";
import { Ask, Button, Check, Empty, Field, Loaded, Loading, Notice, say } from "../parts.js";
import { may } from "../session.js";
import { html, useEffect, useState } from "../ui.js";
import { count, moment } from "../words.js";

const AT_ONCE = 60;
const KEYS = "Y one person · N two people · S later · U take back";

const COLLECTION = {
  api: "/collection",
  place: "people/review",
  title: "Review",
  missing: "No collection is served here",
};
const UNKNOWN = {
  api: "/unknown",
  place: "people/unknown",
  title: "Unknown",
  missing: "No unknown faces are kept here",
};

export const Review = ({ rest }) => html`<${Pile} of=${COLLECTION} number=${rest[1]} />`;

export const Unknown = ({ rest }) => html`<${Pile} of=${UNKNOWN} number=${rest[1]} />`;

const Pile = ({ of, number }) =>
  /^\d+$/.test(number ?? "")
    ? html`<${Group} key=${number} of=${of} number=${Number(number)} />`
    : html`<${Groups} of=${of} />`;

function Groups({ of }) {
  const [shown, setShown] = useState(AT_ONCE);
  const review = useLoaded((signal) => call(`${of.api}?count=${shown}`, { signal }), [shown]);
  const [again, regrouping] = useDoing(async () => {
    review.set(await call(`${of.api}/group`, { json: {} }));
    say("Grouped again.");
  });
  useTitle(of.title, "People");
  if (review.problem instanceof Problem && review.problem.status === 404)
    return html`<${Empty} title=${of.missing}><p>${review.problem.message}</p></${Empty}>`;
  return html`<${Loaded} from=${review} what="the groups">${(value) => html`
    ${of === UNKNOWN && html`<${KeptFor} listed=${value.listed} />`}
    ${
      value.faces > 0 &&
      html`<div class="in-words">${value.words.split("\n").map((line) => html`<p key=${line}>${line}</p>`)}</div>
    <${Queue} of=${of} review=${value} onChange=${review.again} />`
    }
    ${
      may("enrol") &&
      html`<p class="buttons"><${Button} busy=${regrouping.busy} onClick=${again}>Group again
      </${Button}></p>`
    }
    ${regrouping.busy && html`<${Loading} what="Comparing all faces" />`}
    <${Notice} problem=${regrouping.problem} />
    <${GroupList} of=${of} review=${value} />
    ${
      shown < value.listed &&
      html`<p class="buttons"><${Button} onClick=${() => setShown(shown + AT_ONCE)}>Show more
      </${Button}></p>`
    }`}</${Loaded}>`;
}

const KeptFor = ({ listed }) => html`<p class="quiet">
    <${Keeping} otherwise="No further faces are kept now; these are erased when their time is over." /></p>
  ${!listed && html`<${Empty} title="Nobody unknown is kept now" />`}`;

const GroupList = ({ of, review: { groups, listed, several, alone } }) => html`
  <h2>${
    of === UNKNOWN
      ? `${count(listed, "person", "people")} seen`
      : `${count(several, "person", "people")} with several faces, ${count(alone, "face")} alone`
  }</h2>
  <ul class="review-groups">${groups.map(
    (group) => html`<li key=${group.id}><a href=${`#${of.place}/${group.id}`}>
      <span class="review-faces">${group.faces
        .slice(0, 4)
        .map((face) => html`<${Face} key=${face.id} of=${of} face=${face.id} label="" side=${56} />`)}</span>
      <span><b>${group.name ?? `Group ${group.id}`}</b> ${count(group.count, "face")}</span></a></li>`,
  )}</ul>`;

/** What is doubtful, one question at a time: joins that were near to the threshold, then pairs just below it. */
function Queue({ of, review, onChange }) {
  const [later, setLater] = useState([]);
  const waiting = [...review.doubtful, ...review.nearly].filter(({ faces }) => !later.includes(String(faces)));
  const doubt = waiting[0];
  const [act, acting] = useDoing(async (_signal, deed) => {
    if (deed === "undo") {
      const { what } = await call(`${of.api}/undo`, { method: "POST" });
      say(what ? `Taken back: ${what}.` : "Nothing is left to take back.");
    } else {
      await answer(of, doubt, deed === "same");
      say(deed === "same" ? "One person." : "Two people.");
    }
    onChange();
  });
  const postpone = () => setLater((all) => [...all, String(doubt.faces)]);
  useKeys({
    u: may("enrol") && (() => act("undo")),
    y: doubt && may("enrol") && (() => act("same")),
    n: doubt && may("enrol") && (() => act("other")),
    s: doubt && postpone,
  });
  const undo = html`<${Button} busy=${acting.busy} onClick=${() => act("undo")}>Take back (U)</${Button}>`;
  if (!doubt && of === UNKNOWN) return null;
  if (!doubt)
    return html`<${Empty} title="Nothing doubtful is left"><p class="buttons">${may("enrol") && undo}</p>
      <${Notice} problem=${acting.problem} /></${Empty}>`;
  return html`<section class="review-doubt" aria-label="A doubt"><${Doubt} of=${of} doubt=${doubt} />
    ${
      may("enrol") &&
      html`<p class="buttons"><${Button} class="main" busy=${acting.busy} onClick=${() => act("same")}>One person (Y)
        </${Button}> <${Button} busy=${acting.busy} onClick=${() => act("other")}>Two people (N)</${Button}>
        <${Button} onClick=${postpone}>Later (S)</${Button}> ${undo}</p>`
    }
    <p class="quiet">${count(waiting.length, "doubt")} left. ${KEYS}.</p>
    <${Notice} problem=${acting.problem} /></section>`;
}

const Doubt = ({ of, doubt: { faces, groups, names, why } }) => html`<h2>One person, or two?</h2>
  <p>${groups[0] === groups[1] ? "They are in one group now." : "They are in two groups now."} ${why}.</p>
  <div class="review-pair">${faces.map(
    (face, side) => html`<figure key=${face}><${Face} of=${of} face=${face} label=${`Face ${face}`} side=${160} />
      <figcaption><a href=${`#${of.place}/${groups[side]}`}>${names[side] ?? `Group ${groups[side]}`}</a></figcaption>
      </figure>`,
  )}</div>`;

/**
 * Do something when a letter is pressed, but not where text is written.
 *
 * @param {Record<string, (() => void) | undefined | false>} deeds  By letter
 */
function useKeys(deeds) {
  useEffect(() => {
    const press = (event) => {
      const elsewhere = event.ctrlKey || event.altKey || event.metaKey;
      if (!elsewhere && !event.target.closest("input, select, textarea, dialog"))
        (deeds[event.key.toLowerCase()] || undefined)?.();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

/** Say whether the two faces of a doubt show one person. */
function answer(of, { faces, sizes, groups }, same) {
  const joined = groups[0] === groups[1];
  if (same === joined) return call(`${of.api}/confirm`, { json: { faces } });
  if (same) return call(`${of.api}/join`, { json: { groups } });
  return call(`${of.api}/separate`, { json: { faces: [faces[sizes[0] < sizes[1] ? 0 : 1]] } });
}

function Group({ of, number }) {
  const group = useLoaded((signal) => call(`${of.api}/groups/${number}`, { signal }), [number]);
  useTitle(group.value?.name ?? `Group ${number}`, of.title);
  return html`<p class="back"><a href=${`#${of.place}`}>← All groups</a></p>
    <${Loaded} from=${group} what="the group">${(value) => html`
      <${Members} of=${of} group=${value} again=${group.again} />`}</${Loaded}>`;
}

function Members({ of, group, again }) {
  const [chosen, setChosen] = useState(/** @type {number[]} */ ([]));
  const [act, acting] = useDoing(async (_signal, path, json, sentence) => {
    const answered = await call(`${of.api}/${path}`, json ? { json } : { method: "POST" });
    say(sentence);
    setChosen([]);
    if (path === "dismiss" || (of === UNKNOWN && json?.enrol))
      location.hash = `#${of.place}`; // it is there no more
    else if (path === "join" && answered.group !== group.id) location.hash = `#${of.place}/${answered.group}`;
    else again();
  });
  const toggle = (face) => setChosen((all) => (all.includes(face) ? all.filter((id) => id !== face) : [...all, face]));
  return html`<h2>${group.name ?? `Group ${group.id}`}: ${count(group.count, "face")}</h2>
    <ul class="review-members">${group.faces.map(
      (face) => html`
        <${Member} key=${face.id} of=${of} face=${face} chosen=${chosen.includes(face.id)}
          onToggle=${() => toggle(face.id)} />`,
    )}</ul>
    ${
      may("enrol") &&
      html`<p class="buttons"><${Button} disabled=${!chosen.length || chosen.length === group.count} busy=${acting.busy}
          onClick=${() => act("separate", { faces: chosen }, "They are another person now.")}>Not this person
        </${Button}> <${Button} busy=${acting.busy} onClick=${() => act("undo", null, "Taken back.")}>Take back the last
        </${Button}></p>
      <${Naming} of=${of} group=${group} act=${act} busy=${acting.busy} />
      <${Joining} group=${group} act=${act} busy=${acting.busy} />`
    }
    ${of === UNKNOWN && may("remove") && html`<${Dismiss} group=${group} act=${act} busy=${acting.busy} />`}
    <${Notice} problem=${acting.problem} />`;
}

const Member = ({ of, face, chosen, onToggle }) => html`<li><label>
  <${Face} of=${of} face=${face.id} label=${`Face ${face.id}`} side=${96} />
  <span>${
    may("enrol") && html`<input type="checkbox" checked=${chosen} onChange=${onToggle} />`
  } ${of === UNKNOWN ? moment(face.indexed) : face.path.split("/").pop() || "(no file left)"}</span>
  ${face.unfit && html`<small class="quiet">${face.unfit}</small>`}</label></li>`;

function Joining({ group, act, busy }) {
  const [other, setOther] = useState("");
  return html`<form class="line-form" onSubmit=${(event) => {
    event.preventDefault();
    act("join", { groups: [group.id, Number(other)] }, "They are one person now.");
  }}><${Field} label="The same person as group number" inputmode="numeric" pattern="[0-9]+" required value=${other}
      onInput=${(event) => setOther(event.target.value)} />
    <${Button} busy=${busy}>Join</${Button}></form>`;
}

/** Whom a group shows: of a collection a name to keep, of unknown faces somebody to enrol. */
function Naming({ of, group, act, busy }) {
  const [name, setName] = useState(group.name ?? "");
  const [consent, setConsent] = useState("");
  const [enrol, setEnrol] = useState(of === UNKNOWN);
  return html`<form class="line-form" onSubmit=${(event) => {
    event.preventDefault();
    const json = { group: group.id, name: name.trim() || null, enrol, consent };
    act("name", json, enrol ? "Enrolled." : "The name is kept.");
  }}><${Field} label="Name" value=${name} maxlength="200" required=${enrol}
      onInput=${(event) => setName(event.target.value)} />
    ${of === COLLECTION && html`<${Check} label="Also into the gallery" checked=${enrol} onChange=${setEnrol} />`}
    ${
      enrol &&
      html`<${Field} label="Note on consent" value=${consent} maxlength="2000"
        onInput=${(event) => setConsent(event.target.value)} />`
    }
    <${Button} busy=${busy}>${of === UNKNOWN ? "Enrol" : "Keep the name"}</${Button}></form>`;
}

function Dismiss({ group, act, busy }) {
  const [asking, setAsking] = useState(false);
  return html`<p class="buttons"><${Button} onClick=${() => setAsking(true)}>Dismiss</${Button}></p>
    ${
      asking &&
      html`<${Ask} title="Dismiss this person?" verb="Erase these faces" busy=${busy}
          onDo=${() => act("dismiss", { groups: [group.id] }, "Erased.")} onClose=${() => setAsking(false)}>
        <p>${count(group.count, "face")} will be erased now, and nothing brings them back. Who comes again is kept
          again.</p></${Ask}>`
    }`;
}

/**
 * The picture of a face, once it has come.
 *
 * @param {{of: typeof COLLECTION, face: number, label: string, side: number}} props
 */
function Face({ of, face, label, side }) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    let made = null;
    picture(`${of.api}/faces/${face}/picture`, leaving.signal).then(
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
