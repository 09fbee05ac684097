/** The style sheets of the views that load late. */

import { h } from "../h.js";

for (const name of ["manage.css", "print.css", "settings.css", "task.css"]) {
    const href = new URL(`../../${name}`, import.meta.url).href;
    document.head.append(h("link", { rel: "stylesheet", href }));
}
