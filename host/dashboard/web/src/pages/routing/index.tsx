import { Empty, Page as Frame } from '../../ui'

export function Page() {
  return (
    <Frame title="Routing">
      <Empty title="This page is not written yet." />
    </Frame>
  )
}
