/** Changes of the profile. They are sent at once, because they may need the password. */

import { send } from "../api.js";
import { commit } from "../copy.js";
import { withPassword } from "./password.js";
import { profileOf } from "../feed.js";
import { pathOf } from "../outbox.js";
import { account } from "../state.js";
import { alone } from "../sync.js";

/**
 * Change fields of the profile.
 *
 * The copy has the answer before the next request, because the username is part of all paths.
 *
 * @param {{ username?: string, email?: string, timezone?: string }} fields
 * @returns {Promise<boolean>} false if the person cancels
 */
export async function changeProfile(fields) {
    const { copy } = account();
    const done = await withPassword(async (password) => {
        await alone(copy, async () => {
            const body = { ...changedOf(fields), ...password };
            const answer = await send("PATCH", pathOf(copy), { body });
            await commit(copy, { meta: { profile: profileOf(answer.body) } });
        });
        return true;
    });
    return done === true;
}

/**
 * Leave out what stays the same: it would need the password.
 *
 * @param {Record<string, string>} fields
 */
function changedOf(fields) {
    const profile = /** @type {Record<string, any>} */ (account().copy.meta.profile ?? {});
    return Object.fromEntries(
        Object.entries(fields).filter(([name, value]) => profile[name] !== value),
    );
}

/**
 * Set a new password. All other sessions and all API tokens end.
 *
 * @param {{ current_password: string, password: string, password2: string }} fields
 */
export async function changePassword(fields) {
    const { copy } = account();
    // Until the answer has brought the new cookie, a request of any tab would end its session.
    await alone(copy, () =>
        send("PATCH", pathOf(copy), { body: { ...fields, session: "cookie" } }),
    );
}
