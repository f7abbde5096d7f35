import { Empty, Page as Frame } from '../../ui'

export function Page() {
  return (
    <Frame title="Keys &amp; limits">
      <Empty title="This page is not written yet." />
    </Frame>
  )
}
