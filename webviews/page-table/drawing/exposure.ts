/**
 * Meltdown's view (Lipp and others, 2018): what was mapped while a program ran, whether or not U allowed it, could be read on the
 * processors that had the flaw. Left what is exposed with xv6's two tables, right what one table for both would expose, too.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { PTE, type AddressArea, type ExposureModel } from '../../../debug-adapter/protocol';
import './address-space';
import { sizeOf } from './layout';

const pages = (count: number): string =>
  `${count.toLocaleString('en')} ${count === 1 ? 'page' : 'pages'} (${sizeOf(count)})`;

/** Of an area that user mode may not use, but that is mapped. */
const markOf = ({ flags }: AddressArea): string | undefined =>
  (flags & (PTE.V | PTE.U)) === PTE.V ? 'U=0: exposed' : undefined;

export function exposureView({ label, areas, exposed, kernel }: ExposureModel): TemplateResult {
  return html`<div class="exposure">
    <section aria-labelledby="exposure-user">
      <h2 id="exposure-user">While ${label} runs</h2>
      <p>
        Its own table is in force, and the kernel's is not. Mapped without U, so that Meltdown could have read it:
        <b>${pages(exposed)}</b>.
      </p>
      <xv6-address-space name="user" .areas=${areas} .label=${label} .markOf=${markOf}></xv6-address-space>
    </section>
    ${
      kernel
        ? html`<section aria-labelledby="exposure-kernel">
            <h2 id="exposure-kernel">Without a separate kernel table</h2>
            <p>
              One table for the program and the kernel would expose this as well:
              <b>${pages(kernel.exposed)}</b>, with the map of all RAM every process's memory.
            </p>
            <xv6-address-space
              name="kernel"
              .areas=${kernel.areas}
              .label=${kernel.label}
              .markOf=${markOf}
            ></xv6-address-space>
          </section>`
        : nothing
    }
  </div>`;
}
