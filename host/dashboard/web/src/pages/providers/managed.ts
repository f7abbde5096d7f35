import { useSession } from '../../api/session'

/** useManaged says whether whoever is logged in manages what belongs to an account, '' for all of them. */
export function useManaged(): (account: string | undefined) => boolean {
  const session = useSession()
  const own = session.account?.id ?? ''
  return (account) => session.role === 'super_admin' || (session.role === 'account_admin' && own !== '' && account === own)
}
