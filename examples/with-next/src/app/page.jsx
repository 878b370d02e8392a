export default function Page() {
  return (
    <form method="post" action="/linkwright/start/books">
      <input type="hidden" name="returnTo" value="/" />
      <button type="submit">Connect your books</button>
    </form>
  );
}
