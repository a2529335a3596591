// Identifiers made from names that people type.

/** @param {string} name @param {string} separator */
function identifier(name, separator) {
  const ascii = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/ß/g, 'ss');
  return ascii.replace(/[^a-z0-9]+/g, separator).replace(new RegExp(`^[^a-z]+|${separator}+$`, 'g'), '');
}

/** A short name for addresses: `Köln Camp` gives `koln-camp`; at most 32 characters. @param {string} name */
export const slugFromName = (name) => identifier(name, '-').slice(0, 32);

/** The name of a parameter in a JSON Schema: `Flag colour` gives `flag_colour`. @param {string} title */
export const parameterNameFromTitle = (title) => identifier(title, '_');
