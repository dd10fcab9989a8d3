/** Names of the views of members: one that shows all of them. */

export const membersView = () => 'members';
