/** As many assets as one request may name. */
export const mostAtOnce = 1000
