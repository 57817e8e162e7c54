/**
 * Passes what nuclio is asked on to the service that the environment variable SILOP_URL names, with the token in
 * SILOP_TOKEN if there is one. Runs in nuclio's own Node, which wants a CommonJS module.
 */
exports.handler = async (context, event) => {
  const { SILOP_URL, SILOP_TOKEN } = process.env;
  const answer = (status, type, body) =>
    context.callback(new context.Response(body, {}, type, status));
  try {
    const response = await fetch(SILOP_URL, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(SILOP_TOKEN ? { Authorization: `Bearer ${SILOP_TOKEN}` } : {}),
      },
      body: event.body,
    });
    answer(response.status, response.headers.get("Content-Type"), await response.text());
  } catch (error) {
    answer(502, "text/plain", `The service at ${SILOP_URL} cannot be reached: ${error.message}`);
  }
};
