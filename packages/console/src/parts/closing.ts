/**
 * Closes a dialog once, at once. The browser tells of a closed dialog in a later task; keys that are pressed before it would still meet the
 * dialog that was closed, and a dialog that they open would end with it.
 */

/**
 * @param dialog the element, once it exists
 * @param onClose takes the dialog out of the page
 * @returns a handler of its events `cancel` and `close`, and a function that closes it
 */
export function closesOnce(dialog: () => HTMLDialogElement, onClose: () => void): (event?: Event) => void {
  let isClosed = false;
  return (event) => {
    // A file chooser inside the dialog has a `cancel` of its own.
    if (isClosed || (event !== undefined && event.target !== dialog())) return;
    isClosed = true;
    event?.preventDefault();
    dialog().close();
    onClose();
  };
}
