import { Ladder } from '../../ladder'
import { Page as Frame } from '../../ui'

export function Page() {
  return (
    <Frame title="Routing">
      <Ladder onOpen={() => undefined} />
    </Frame>
  )
}
