// Asks before a page is left. Forms install the question; the router asks it.

export const leaveGuard = {
  /** Whether a form below an element has unsaved input. @type {(root: ParentNode) => boolean} */
  hasUnsavedInputIn: () => false,
  /** Asks the reader whether to leave. @returns {Promise<boolean>} */
  confirm: async () => true,
};
