/** What stands in for the site while it is not built: the API works, and whoever looks is told what to do. */
export const unbuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heliograph</title>
<h1>Heliograph is running</h1>
<p>Its web pages are not built. Stop the server and start it with <code>npm start</code>, which builds them; if that
fails, its output says why.</p>
<p>Uploads and everything else work meanwhile: see <a href="/docs">the API</a>, or <code>npx heliograph help</code>.</p>
</html>
`
