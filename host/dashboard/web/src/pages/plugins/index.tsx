import { Empty, Page as Frame } from '../../ui'

export function Page() {
  return (
    <Frame title="Plugins">
      <Empty title="This page is not written yet." />
    </Frame>
  )
}
