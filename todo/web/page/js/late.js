/**
 * Modules that the first view does not need. Their elements stand in the page already, and come to
 * life when this has loaded.
 */

import "./views/styles.js";
import "./views/changes.js";
import "./views/filters.js";
import "./views/help.js";
import "./views/labels.js";
import "./views/lists.js";
import "./views/logout.js";
import "./views/offline.js";
import "./views/order.js";
import "./views/reminders-bar.js";
import "./views/settings.js";
import "./views/task.js";
import "./views/trash.js";
import "./views/unsent.js";
import "./views/version-bar.js";
